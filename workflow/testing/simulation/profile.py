"""What sort of world a schedule plays in: drawn first, so that each has its own mixture of faults and not all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from workflow.event_source import Settings
from workflow.testing.simulation.fate import Fate, Odds
from workflow.testing.simulation.views import ALL_SHOWN

FAULTS = (
    "",
    "crash before",
    "crash after",
    "request lost",
    "response lost",
    "throttled",
    "conflict",
    "slow request",
    "slow answer",
    "stale read",
    "sent twice",
    "arrives late",
)
"""What may happen at an I/O point; the first is: nothing."""

HOOK_FATES = (
    "well",
    "error",
    "retryable",
    "refused",
    "caught",
    "slow",
    "crash before",
    "crash after",
    "fires",
    "fires elsewhere",
    "creates",
    "very slow",
)
"""What a hook may do."""

_WRITE = set(FAULTS) - {"stale read", "conflict"}
_COMMIT = _WRITE | {"conflict"}
_READ = {"", "crash before", "request lost", "throttled", "slow request", "slow answer"}
_LAGGING = _READ | {"stale read"}
_SKEWS = (0, 0, 1_500_000, -1_500_000, 4_000_000, 30_000_000, -30_000_000)
_MARGIN = 5_000_000

_INTENSITY = (0, 1, 6, 25)
"""How much weight one sort of fault has against 200 of nothing happening."""


@dataclass(frozen=True)
class Profile:
    """The odds of one schedule. `is_fair`: no fault of the infrastructure, only hooks that fail (promise 6).

    `keeps_time`: all clocks agree within the lease margin, which is what the leases rely on.
    """

    commit: Odds
    write: Odds
    read: Odds
    lagging: Odds
    hooks: Odds
    stream: Settings
    shards: int
    skews: tuple[int, ...]
    poison_one_in: int
    poison_ends_process: bool
    duplicate_one_in: int
    lost_answer_one_in: int
    late_one_in: int
    outage_one_in: int
    jump_one_in: int
    max_depth: int
    entities: int
    clients: int
    is_fair: bool
    view: str

    @property
    def keeps_time(self) -> bool:
        """Whether any two clocks differ by less than the lease margin."""
        return max(self.skews) - min(self.skews) < _MARGIN


def draw_profile(fate: Fate, views: Sequence[str] = ()) -> Profile:
    """The profile of a schedule, whose stream has one of the views; all zeros give the plainest one."""
    is_fair = fate.choose(4) == 0
    weights = dict.fromkeys(FAULTS, 0) if is_fair else {name: _INTENSITY[fate.choose(4)] for name in FAULTS}
    is_eventful = not is_fair
    return Profile(
        **{name: _odds(weights, kinds) for name, kinds in _POINTS.items()},
        hooks=_hook_odds(fate, is_fair),
        stream=Settings(
            batch_size=(100, 1, 2, 3, 5)[fate.choose(5)],
            batching_window_seconds=(0.0, 0.0, 2.0)[fate.choose(3)],
            parallelization_factor=1 + fate.choose(2),
            bisects_on_error=fate.choose(2) == 0,
            reports_item_failures=True,
            first_retry_seconds=1.0,
            longest_retry_seconds=20.0,
        ),
        shards=1 + fate.choose(2),
        skews=tuple(_SKEWS[fate.choose(7)] for _ in range(2)) if is_eventful and fate.choose(2) else (0,),
        poison_one_in=(0, 0, 4, 2)[fate.choose(4)],
        poison_ends_process=is_eventful and fate.choose(3) == 2,
        duplicate_one_in=(0, 20, 4)[fate.choose(3)] if is_eventful else 0,
        lost_answer_one_in=(0, 20, 4)[fate.choose(3)] if is_eventful else 0,
        late_one_in=(0, 20, 4)[fate.choose(3)] if is_eventful else 0,
        outage_one_in=(0, 0, 8, 3)[fate.choose(4)] if is_eventful else 0,
        jump_one_in=(0, 2)[fate.choose(2)],
        max_depth=(16, 4, 2)[fate.choose(3)],
        entities=1 + fate.choose(4),
        clients=1 + fate.choose(3),
        is_fair=is_fair,
        view=views[fate.choose(len(views))] if views else ALL_SHOWN,
    )


_POINTS = {"commit": _COMMIT, "write": _WRITE, "read": _READ, "lagging": _LAGGING}


def _odds(weights: dict[str, int], kinds: set[str]) -> Odds:
    return Odds(200, *(weights[name] if name in kinds else 0 for name in FAULTS[1:]))


def _hook_odds(fate: Fate, is_fair: bool) -> Odds:
    weights = {name: (0, 1, 3, 6)[fate.choose(4)] for name in HOOK_FATES[1:]}
    if is_fair:
        weights |= dict.fromkeys(("crash before", "crash after", "slow", "very slow"), 0)
    return Odds(12, *(weights[name] for name in HOOK_FATES[1:]))
