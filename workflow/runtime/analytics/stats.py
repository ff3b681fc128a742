"""Stats: how long entities stay in each state, how far they come, by which triggers, and what their hooks took."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from workflow.definition.definition import Definitions
from workflow.definition.undo_names import hook_of
from workflow.runtime.analytics.histories import History
from workflow.runtime.analytics.sample import Sample
from workflow.runtime.analytics.state_order import in_order
from workflow.runtime.analytics.stays import Stay, stays
from workflow.runtime.ledger_entry import LedgerEntry, Outcome


class StateStats(NamedTuple):
    """One state: how many entities ever reached it, how often it was left for another, after how many seconds (the
    percentiles and the longest; None: never), how many are there now, and the longest of those for how many seconds.
    `is_final`: who is there stays. `is_exact`: the percentiles are of all stays, and not of a sample."""

    state: str
    reached: int = 0
    left: int = 0
    p50: float | None = None
    p90: float | None = None
    p99: float | None = None
    longest: float | None = None
    there: int = 0
    longest_there: float | None = None
    is_final: bool = False
    is_exact: bool = True


class Way(NamedTuple):
    """A trigger with where it led from and to; the creation comes from ''."""

    trigger: str
    source: str
    target: str


class HookStats(NamedTuple):
    """One hook: effects that it was owed for, runs begun for them, how many of those did not end well (failed or cut
    off), how many effects it holds up now, and how many were settled by a `catch` or by a person who skipped them.
    `p50_ms` is the median of how long its runs took, as far as the ledger tells."""

    hook: str
    effects: int = 0
    runs: int = 0
    failed: int = 0
    parked: int = 0
    caught: int = 0
    skipped: int = 0
    p50_ms: float | None = None


class Stats(NamedTuple):
    """What is known of one kind: of the entities created in [since, until), None: ever. `states` are in the order in
    which a life passes through them, `ways` the most frequent first, `hooks` by name, None: they are not known."""

    kind: str
    at: datetime
    since: datetime | None
    until: datetime | None
    entities: int
    transitions: int
    states: Sequence[StateStats]
    ways: Sequence[tuple[Way, int]]
    hooks: Sequence[HookStats] | None

    def share(self, state: StateStats) -> float:
        """Which share of all entities ever reached the state, from 0 to 1."""
        return state.reached / self.entities if self.entities else 0.0


class Counting:
    """Counts the histories of one kind; holds eight bytes a stay and a run, for at most a million of each state and
    hook."""

    def __init__(
        self,
        definitions: Definitions,
        kind: str,
        now: datetime,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> None:
        """Of the entities that were created in [since, until); what happened to them later counts as well."""
        self._definitions, self._kind, self._now = definitions, kind, now
        self._since, self._until = since, until
        self._states: defaultdict[str, _State] = defaultdict(_State)
        self._hooks: defaultdict[str, _Hook] = defaultdict(_Hook)
        self._ways: Counter[Way] = Counter()
        self._entities = 0
        self._knows_hooks = True

    def add(self, history: History) -> None:
        """Takes the history of an entity up, if it is one of those that count."""
        if history.kind != self._kind or not self._is_between(history.events[0].at):
            return
        self._entities += 1
        self._ways.update(Way(event.trigger, event.source, event.target) for event in history.events)
        found = stays(history.events)
        for stay in found:
            self._states[stay.state].stayed(stay, self._now)
        for state in {stay.state for stay in found}:
            self._states[state].reached += 1
        if history.entries is None:
            self._knows_hooks = False
        for entry in history.entries or ():
            self._add_effects(entry)

    def _is_between(self, moment: datetime) -> bool:
        is_late = self._since is None or moment >= self._since
        return is_late and (self._until is None or moment < self._until)

    def _add_effects(self, entry: LedgerEntry) -> None:
        holds_up = (entry.parked.hook or entry.first_open) if entry.parked else ""
        for hook, outcome in entry.outcomes.items():
            self._hooks[hook_of(hook)].add(outcome, is_parked=hook == holds_up)

    def stats(self) -> Stats:
        """What was counted so far."""
        definition = self._definitions.find(self._kind)
        declared = definition.states if definition else {}
        ends = {state.name for state in declared.values() if state.final}
        return Stats(
            kind=self._kind,
            at=self._now,
            since=self._since,
            until=self._until,
            entities=self._entities,
            transitions=self._ways.total(),
            states=[
                self._states[state].stats(state, is_final=state in ends) for state in in_order(definition, self._states)
            ],
            ways=sorted(self._ways.items(), key=lambda item: (-item[1], item[0])),
            hooks=[hook.stats(name) for name, hook in sorted(self._hooks.items())] if self._knows_hooks else None,
        )


class _State:
    def __init__(self) -> None:
        self.reached = self.there = 0
        self.longest_there: float | None = None
        self._left = Sample()

    def stayed(self, stay: Stay, now: datetime) -> None:
        seconds = stay.seconds(now)
        if stay.until is not None:
            self._left.add(seconds)
            return
        self.there += 1
        self.longest_there = max(seconds, self.longest_there or 0.0)

    def stats(self, state: str, *, is_final: bool) -> StateStats:
        left = self._left
        return StateStats(
            state,
            reached=self.reached,
            left=left.count,
            p50=left.percentile(50),
            p90=left.percentile(90),
            p99=left.percentile(99),
            longest=left.largest,
            there=self.there,
            longest_there=self.longest_there,
            is_final=is_final,
            is_exact=left.is_exact,
        )


class _Hook:
    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._took_ms = Sample()

    def add(self, outcome: Outcome, *, is_parked: bool) -> None:
        counts = self._counts
        counts["effects"] += 1
        counts["runs"] += outcome.attempts
        counts["failed"] += max(outcome.attempts - (outcome.status == "done"), 0)
        counts["parked"] += is_parked
        counts["caught"] += outcome.status == "caught"
        counts["skipped"] += outcome.status == "skipped"
        for attempt in outcome.earlier:
            self._took_ms.add(attempt.took_ms)
        if outcome.attempts and outcome.at is not None:
            self._took_ms.add(outcome.took_ms)

    def stats(self, hook: str) -> HookStats:
        return HookStats(hook, **self._counts, p50_ms=self._took_ms.percentile(50))
