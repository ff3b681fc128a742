"""Rebuild: run one projection again for all of history; no other hook runs, and no ledger is written."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from workflow.definition.definition import HookUse
from workflow.definition.suggestions import listed, ways_out
from workflow.errors import DefinitionNotDeployedError, EntityNotFoundError, RebuildError, Refused
from workflow.runtime.ask import check_id
from workflow.runtime.changes import Change
from workflow.runtime.crew import Crew
from workflow.runtime.home import check_home_of, is_elsewhere
from workflow.runtime.hook_run import Claimed, Failure, Ran, run_batch, run_hook
from workflow.runtime.ledger_entry import OWED
from workflow.runtime.projected import projected_steps, unreadable
from workflow.runtime.records import EntityRecords, Records
from workflow.runtime.runtime import Runtime

SHARES = 64
WORKERS = 8
"""A projection mostly waits for the table that it writes."""

ATTEMPTS = 3
PAUSE_SECONDS = 0.5
"""Before a second attempt, times a random number; before a third one four times as long."""

MOST_IN_A_ROW = 100
"""When so many entities fail and none in between gets on, it is not the entities."""

MOST_TOLD = 1000
_TELL_EVERY = 100


@dataclass(slots=True)
class Rebuilt:
    """What was done: how many entities were looked at, how many of those are of the projection's kinds and through, and
    for how many events it ran. Those at home in another region are passed over. `failed` counts the entities where it
    stopped, `told` says of each at which event and why (of the first thousand), `trace` is where the first error came
    from."""

    projection: str
    kinds: tuple[str, ...]
    looked_at: int = 0
    entities: int = 0
    events: int = 0
    failed: int = 0
    told: list[str] = field(default_factory=list)
    trace: str = ""


def rebuild(
    runtime: Runtime,
    records: Records,
    projection: str,
    *,
    kind: str | None = None,
    entity_id: str | None = None,
    workers: int = WORKERS,
    on_progress: Callable[[Rebuilt], None] = lambda so_far: None,
) -> Rebuilt:
    """Runs the projection for every event that owes it, of each entity in version order: of all kinds that ask for it,
    of one kind, or of one entity.

    An event owes it if the definition that it was made by says so, or if the one in force says so of the same
    transition: what was added later is filled as well. An entity at which the projection fails three times is left
    there and told, and the others go on. `on_progress` is told now and then, one call at a time. Raises RebuildError,
    UnknownKindError, EntityNotFoundError, and what the store raises.
    """
    kinds = _kinds(runtime, projection, kind)
    walk = _Walk(runtime, records, Rebuilt(projection, kinds), on_progress)
    if entity_id is not None:
        check_home_of(runtime, kinds[0], entity_id)
        walk.work(iter([_get_records(records, kinds, entity_id)]))
        return walk.rebuilt
    try:
        Crew(workers).work_off(range(workers), walk.entities, lambda entities, _: walk.work(entities))
    finally:
        # The others must not walk on to their ends before anybody hears of what one of them met.
        walk.stopped.set()
    return walk.rebuilt


def _kinds(runtime: Runtime, projection: str, kind: str | None) -> tuple[str, ...]:
    """The kinds that ask for the projection, or the one that was named; raises where there is nothing to rebuild."""
    projections = sorted(runtime.hooks.projections)
    if projection not in projections and projection in runtime.hooks:
        raise RebuildError(
            f"{projection!r} is a hook and no projection: it would do again whatever it did for every event there is; "
            f"projections: {listed(projections)}"
        )
    if projection not in projections:
        raise RebuildError(f"no projection {projection!r}; {ways_out(projection, projections, 'registered')}")
    asking = {d.kind: None for d in runtime.definitions if any(projection in owed for owed in d.edges.values())}
    if not asking:
        raise RebuildError(f"no definition asks for the projection {projection!r}: there is nothing to rebuild it from")
    if kind is None:
        return tuple(asking)
    runtime.get_definition(kind)
    if kind not in asking:
        raise RebuildError(f"no event of a {kind} owes the projection {projection!r}; of these do: {listed(asking)}")
    return (kind,)


def _get_records(records: Records, kinds: Sequence[str], entity_id: str) -> EntityRecords:
    if len(kinds) > 1:
        raise RebuildError(f"the id {entity_id!r} alone does not say which entity is meant; of these: {listed(kinds)}")
    check_id(kinds[0], entity_id)
    found = records.of(kinds[0], entity_id)
    if not (found.events or found.entity or found.damaged):
        raise EntityNotFoundError(f"there is no {kinds[0]} {entity_id}")
    return found


class _Line(NamedTuple):
    """An entity on its way: the step at which it is, and those that follow."""

    step: Change
    following: Iterator[Change]


class _Walk:
    """One rebuild. Each of its workers has one batch of entities in hand, or a single one, and no more."""

    def __init__(
        self, runtime: Runtime, records: Records, rebuilt: Rebuilt, on_progress: Callable[[Rebuilt], None]
    ) -> None:
        self._runtime, self._records, self.rebuilt, self._on_progress = runtime, records, rebuilt, on_progress
        self._use = HookUse(rebuilt.projection)
        self._batch = runtime.hooks.batches[self._use.hook][1] if self._use.hook in runtime.hooks.batches else 0
        self._lock, self.stopped = threading.Lock(), threading.Event()
        self._shares = iter(range(SHARES))
        self._failed_in_a_row = self._ticks = 0

    def entities(self) -> Iterator[EntityRecords]:
        """The entities that one worker comes by: share after share, as long as there is one that nobody has taken."""
        while True:
            with self._lock:
                share = next(self._shares, None)
            if share is None:
                return
            yield from self._records.all(share, SHARES)

    def work(self, entities: Iterator[EntityRecords]) -> None:
        """Takes the entities through, a batch of them side by side; each is at one event at a time."""
        front: list[_Line] = []
        try:
            while not self.stopped.is_set():
                while len(front) < max(1, self._batch) and (line := self._next_line(entities)):
                    front.append(line)
                if not front:
                    return
                front = self._run(front)
        except BaseException:
            self.stopped.set()
            raise

    def _next_line(self, entities: Iterator[EntityRecords]) -> _Line | None:
        for found in entities:
            if self.stopped.is_set():
                return None
            self._tick(looked_at=1)
            is_meant = found.kind in self.rebuilt.kinds and not is_elsewhere(self._runtime, found)
            if is_meant and (line := self._begin(found)):
                return line
        return None

    def _begin(self, found: EntityRecords) -> _Line | None:
        if unreadable(found):
            # A walk may see an entity in the middle of a write.
            found = self._records.of(found.kind, found.entity_id)
        if wrong := unreadable(found):
            self._fail(wrong)
            return None
        return self._advance(projected_steps(self._runtime.definitions, found, self._use.hook))

    def _advance(self, following: Iterator[Change]) -> _Line | None:
        try:
            step = next(following, None)
        except DefinitionNotDeployedError as error:
            self._fail(str(error))
            return None
        if step is not None:
            return _Line(step, following)
        self._tick(entities=1)
        return None

    def _run(self, front: Sequence[_Line]) -> list[_Line]:
        """Runs the projection for the step of each line, and returns the lines that go on, each at its next one."""
        still = []
        ended = self._called([Claimed(line.step, self._use, OWED) for line in front])
        for line, first in zip(front, ended, strict=True):
            ran = self._again(line.step, first)
            if ran.failure:
                self._fail(f"{line.step}: {ran.failure.error}", ran.failure)
                continue
            self._tick(events=1)
            if following := self._advance(line.following):
                still.append(following)
        return still

    def _called(self, together: Sequence[Claimed]) -> Sequence[Ran]:
        if self._batch:
            return run_batch(self._runtime, together)
        return [run_hook(self._runtime, one.change, one.use, one.outcome) for one in together]

    def _again(self, step: Change, ran: Ran) -> Ran:
        """How the last attempt ended: one that failed is made again by itself, after a pause."""
        clock = self._runtime.clock
        while ran.failure and not _is_final(ran) and ran.outcome.attempts < ATTEMPTS:
            clock.sleep(PAUSE_SECONDS * 4 ** (ran.outcome.attempts - 1) * clock.jitter())
            (ran,) = self._called([Claimed(step, self._use, ran.outcome)])
        return ran

    def _tick(self, *, looked_at: int = 0, entities: int = 0, events: int = 0) -> None:
        rebuilt = self.rebuilt
        with self._lock:
            rebuilt.looked_at += looked_at
            rebuilt.entities += entities
            rebuilt.events += events
            if events:
                self._failed_in_a_row = 0
            self._ticks += 1
            if self._ticks % _TELL_EVERY == 0:
                self._on_progress(rebuilt)

    def _fail(self, what: str, failure: Failure | None = None) -> None:
        rebuilt = self.rebuilt
        with self._lock:
            rebuilt.failed += 1
            rebuilt.trace = rebuilt.trace or (failure.trace if failure else "")
            if len(rebuilt.told) < MOST_TOLD:
                rebuilt.told.append(what)
            self._failed_in_a_row += bool(failure)
            is_hopeless = self._failed_in_a_row >= MOST_IN_A_ROW
        if is_hopeless:
            raise RebuildError(
                f"given up: {rebuilt.projection!r} failed for {MOST_IN_A_ROW} entities one after another, the last: "
                f"{what}; what it wrote stays so, and the same command begins again"
            )


def _is_final(ran: Ran) -> bool:
    # What a whole batch raised is nobody's own.
    return ran.failure is not None and isinstance(ran.failure.raised, Refused) and not ran.shared_by
