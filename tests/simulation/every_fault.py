"""Every fault at every point: one life is played once without a fault to number its I/O points, then once for each
point and fault, and for each pair of them."""

from __future__ import annotations

import gc
import logging
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice

from tests.simulation.lives import CORE, LIVES, Life
from workflow.testing.simulation import Fate, Outcome, run_schedule

FAULTS = ("crash before", "crash after", "response lost", "request lost", "conflict", "throttled")
"""`response lost` is lost and applied, `request lost` lost and not applied."""


@dataclass
class Tally:
    """How many I/O points the life has, how many runs there were, in how many of them every planned fault really
    happened, and the plans under which a promise was broken, with the first breach of each."""

    name: str
    points: int = 0
    runs: int = 0
    covered: int = 0
    seconds: float = 0.0
    broken: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        share = 100 * self.covered / max(self.runs, 1)
        return (
            f"{self.name:<14}  {self.points:>6}  {self.runs:>7,}  {share:>6.1f} %  {len(self.broken):>10}"
            f"  {self.seconds:>6.1f} s"
        )


_HEAD = f"{'life':<14}  {'points':>6}  {'runs':>7}  {'covered':>8}  {'violations':>10}  {'took':>8}"


def play(life: Life, plan: Mapping[int, str], *, telling: bool = False) -> Outcome:
    """The life under the planned faults; fate has nothing else in store."""
    return run_schedule(life.scenario, Fate(given=[]), plan=plan, telling=telling)


def every_single_fault(life: Life, faults: Iterable[str] = FAULTS) -> Tally:
    """Each fault at each point."""
    with _measured(Tally(life.name)) as tally:
        tally.points = play(life, {}).points
        for point in range(1, tally.points + 1):
            for fault in faults:
                _note(tally, {point: fault}, play(life, {point: fault}))
    return tally


def every_pair(life: Life, *, every: int = 1, first: int = 0) -> Tally:
    """Each fault at each point, and another one at each point that is passed after it; or only every so-manyth such
    run, from the `first` on."""
    with _measured(Tally(f"{life.name}, pairs")) as tally:
        tally.points = play(life, {}).points
        for plan in islice(_pairs(life, tally.points), first, None, every):
            _note(tally, plan, play(life, plan))
    return tally


def told() -> tuple[str, bool]:
    """A table of every single fault in every life, and of every pair on the core path; and whether all was kept."""
    tallies = [*map(every_single_fault, LIVES), every_pair(CORE)]
    broken = [f"{tally.name} {plan}: {breach}" for tally in tallies for plan, breach in tally.broken.items()]
    return "\n".join([_HEAD, *map(str, tallies), *broken]), not broken


def _pairs(life: Life, points: int) -> Iterator[dict[int, str]]:
    for one in range(1, points + 1):
        for fault in FAULTS:
            # What follows a fault has points of its own: takeovers, sweeps, retries.
            for other in range(one + 1, play(life, {one: fault}).points + 1):
                for second in FAULTS:
                    yield {one: fault, other: second}


def _note(tally: Tally, plan: dict[int, str], outcome: Outcome) -> None:
    tally.runs += 1
    tally.covered += all(outcome.faults[fault] for fault in plan.values()) and outcome.points >= max(plan)
    if outcome.breaches:
        tally.broken[str(plan)] = str(outcome.breaches[0])


@contextmanager
def _measured(tally: Tally) -> Iterator[Tally]:
    log = logging.getLogger("workflow")
    # The log would be about faults that we make, and the collector goes through every greenlet.
    was_disabled, log.disabled = log.disabled, True
    gc.disable()
    began = time.perf_counter()
    try:
        yield tally
    finally:
        tally.seconds = time.perf_counter() - began
        gc.enable()
        log.disabled = was_disabled
