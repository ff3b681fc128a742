"""Verify: walk the whole table, entity by entity, and find every promise that does not hold."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from workflow.engine.entity import Entity
from workflow.engine.place import LaneKey
from workflow.errors import HistoryConflictError
from workflow.runtime.crew import Crew
from workflow.runtime.findings import Finding, findings, lane_findings, lane_note, unknown_place
from workflow.runtime.home import is_elsewhere
from workflow.runtime.lane_view import ALL, LaneRows, strays, viewed
from workflow.runtime.records import EntityRecords, Records
from workflow.runtime.runtime import Runtime

SHARES = 8
TELL_EVERY = 100


@dataclass(slots=True)
class Verified:
    """How many entities were looked at, with how many events and effects, how many effects wait for a person, and
    every promise that does not hold. `lanes` counts those in which somebody is; `notes` tell what may be as it should,
    and may surprise. `unknown` counts the entities of kinds that have no definition here, `elsewhere` by region those
    that are at home there, of which this table is only a copy."""

    entities: int = 0
    events: int = 0
    effects: int = 0
    for_people: int = 0
    findings: list[Finding] = field(default_factory=list)
    unknown: Counter[str] = field(default_factory=Counter)
    elsewhere: Counter[str] = field(default_factory=Counter)
    lanes: int = 0
    notes: list[str] = field(default_factory=list)


def verify(
    runtime: Runtime,
    records: Records,
    *,
    workers: int = 4,
    on_progress: Callable[[Verified], None] = lambda so_far: None,
) -> Verified:
    """Checks every promise on a live table, all shares side by side; what looks wrong is looked at again, whole.

    `on_progress` is told after every hundred entities, one call at a time. Raises what the store raises.
    """
    walk = _Walk(runtime, records, on_progress)
    try:
        Crew(workers).work_off(range(SHARES), lambda: walk, _Walk.share)
    except BaseException:
        walk.stopped.set()
        raise
    return walk.verified


class _Walk:
    def __init__(self, runtime: Runtime, records: Records, on_progress: Callable[[Verified], None]) -> None:
        self._runtime, self._records, self._on_progress = runtime, records, on_progress
        self._lock, self.stopped = threading.Lock(), threading.Event()
        self._rows = LaneRows(runtime)
        self.verified = Verified()

    def share(self, number: int) -> None:
        try:
            for found in self._records.all(number, SHARES):
                if self.stopped.is_set():
                    return
                self._look(found)
            # Only where there can be one: finding them reads the table once more.
            if any(definition.lanes for definition in self._runtime.definitions):
                self._look_at_lanes(number)
        except BaseException:
            # The others must not walk on to their ends before anybody hears of it.
            self.stopped.set()
            raise

    def _look(self, found: EntityRecords) -> None:
        if found.kind not in self._runtime.definitions.kinds:
            with self._lock:
                self.verified.unknown[found.kind] += 1
            return
        if is_elsewhere(self._runtime, found):
            with self._lock:
                self.verified.elsewhere[found.home or ""] += 1
            return
        wrong = self._wrong(found)
        if wrong:
            # A walk may see an entity in the middle of a write, and so may a look: what stays wrong is wrong.
            found = self._records.of(found.kind, found.entity_id)
            wrong = self._wrong(found)
        if wrong:
            again = self._wrong(self._records.of(found.kind, found.entity_id))
            wrong = [finding for finding in wrong if finding in again]
        with self._lock:
            _add(self.verified, found, wrong)
            if self.verified.entities % TELL_EVERY == 0:
                self._on_progress(self.verified)

    def _look_at_lanes(self, number: int) -> None:
        for lane in self._records.lanes(number, SHARES):
            if self.stopped.is_set():
                return
            if lane.kind in self._runtime.definitions.kinds:
                self._look_at_lane(lane)

    def _look_at_lane(self, lane: LaneKey) -> None:
        runtime, now = self._runtime, self._runtime.clock.now()
        try:
            found = runtime.store.lane(lane, waiting=ALL)
            if not (found.running or found.waiting):
                return
            view = viewed(runtime, lane, found)
            wrong, note = lane_findings(view, strays(runtime, lane, found), now), lane_note(view, now)
        except HistoryConflictError as error:
            wrong, note = [Finding(9, lane.kind, f"({lane})", str(error))], ""
        with self._lock:
            self.verified.lanes += 1
            self.verified.findings += wrong
            self.verified.notes += [note] if note else []

    def _unplaced(self, entity: Entity | None) -> list[Finding]:
        """That the lane does not know of an entity that says that it stands there."""
        if entity is None or entity.place is None:
            return []
        kind, entity_id, place = entity.kind, entity.id, entity.place
        try:
            is_known = self._rows.know(kind, entity_id, place) or self._rows.know(kind, entity_id, place, afresh=True)
        except HistoryConflictError:
            # That is told of the lane.
            return []
        return [] if is_known else [unknown_place(kind, entity_id, place)]

    def _wrong(self, found: EntityRecords) -> list[Finding]:
        wrong = findings(found, self._runtime.definitions, self._runtime.clock.now())
        # One that does not fit its state is wrong whatever the lane knows.
        return wrong + ([] if any(finding.promise == 9 for finding in wrong) else self._unplaced(found.entity))


def _add(verified: Verified, found: EntityRecords, wrong: list[Finding]) -> None:
    verified.entities += 1
    verified.events += len(found.events)
    verified.effects += sum(len(entry.outcomes) for entry in found.entries)
    verified.for_people += sum(1 for entry in found.entries if entry.parked and entry.parked.next_at is None)
    verified.findings += wrong
