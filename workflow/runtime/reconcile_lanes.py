"""Reconcile lanes: whoever stands in the wrong place is moved, and places of nobody are freed."""

from __future__ import annotations

import threading

from workflow.engine.entity import Entity
from workflow.engine.place import LaneKey
from workflow.runtime.again import again
from workflow.runtime.lane_ports import InLane
from workflow.runtime.lane_view import ALL, LaneRows, find_readable, is_judged, misplaced, told_place, unfit
from workflow.runtime.mend_lane import free_stale, mend_place
from workflow.runtime.reconciled import Reconciled
from workflow.runtime.records import Seen
from workflow.runtime.runtime import Runtime
from workflow.runtime.start_waiting import watch_lane

MEND_ATTEMPTS = 6


class LaneMending:
    """Makes lanes and entities agree. Whoever is to start because of it is left to the sweeper, which has the
    handlers that say limits."""

    def __init__(self, runtime: Runtime, found: Reconciled, lock: threading.Lock) -> None:
        self._runtime, self._found, self._lock = runtime, found, lock
        self._rows, self._mended = LaneRows(runtime), set[LaneKey]()

    def look(self, seen: Seen) -> None:
        """Gives the entity the place that its state asks for, and mends the lane that it stands in."""
        lanes = {seen.place.at(seen.kind)} if seen.place else set[LaneKey]()
        wrong = misplaced(self._runtime.definitions, seen.kind, seen.state, seen.place)
        if wrong or not self._rows.know(seen.kind, seen.entity_id, seen.place):
            # By a consistent read: the index, from which the walk comes, may lag behind.
            entity = self._runtime.store.find_entity(seen.kind, seen.entity_id)
            if entity is not None and entity.home != self._runtime.region:
                # It stands in a lane of its own region, and that one knows.
                return
            lanes |= self._move(entity) if entity else set()
        for lane in sorted(lanes):
            self.mend(lane)

    def _move(self, entity: Entity) -> set[LaneKey]:
        """Puts the entity where it should stand, and returns the lane where it stands then."""
        runtime, kind, entity_id = self._runtime, entity.kind, entity.id
        if not is_judged(runtime.definitions, entity):
            return set()
        moved = again(runtime.clock, MEND_ATTEMPTS, lambda: mend_place(runtime, kind, entity_id))
        found = runtime.store.find_entity(kind, entity_id)
        if found is None:
            return set()
        wrong = misplaced(runtime.definitions, kind, found.state, found.place)
        why_not = f"{kind} {entity_id}: {unfit(runtime, found) or wrong}"
        with self._lock:
            if moved:
                self._found.moved.append(f"{kind} {entity_id}: {told_place(found.place)}")
            elif wrong and why_not not in self._found.broken:
                # The walk comes by it, and by its lane.
                self._found.broken.append(why_not)
        return {found.place.at(kind)} if found.place else set()

    def mend(self, lane: LaneKey) -> None:
        """Frees the places of nobody, and has a sweeper start who is next; once for each lane."""
        with self._lock:
            if lane in self._mended:
                return
            self._mended.add(lane)
        store, others = self._runtime.store, set[LaneKey]()
        found = store.lane(lane, waiting=ALL)
        for row in (*found.running, *found.waiting):
            others |= self._look_at_row(lane, row)
        if store.lane(lane, waiting=1).waiting:
            watch_lane(self._runtime, lane)
        for other in others:
            self.mend(other)

    def _look_at_row(self, lane: LaneKey, row: InLane) -> set[LaneKey]:
        runtime, moved = self._runtime, set[LaneKey]()
        entity = find_readable(runtime, lane, row)
        if entity is not None and entity.place == row.place:
            if not misplaced(runtime.definitions, lane.kind, entity.state, entity.place):
                return moved
            # With its entity, where that can be: nobody then says that the place is its own.
            moved = self._move(entity)
            entity = find_readable(runtime, lane, row)
            if entity is None or entity.place != row.place:
                return moved
        if free_stale(runtime, lane, row):
            with self._lock:
                self._found.freed[lane] += 1
        return moved
