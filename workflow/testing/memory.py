"""The store in memory: for tests without AWS, and for trying a definition out."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from datetime import datetime

from workflow.engine.entity import Entity
from workflow.engine.events import Event, evolve
from workflow.engine.place import LaneKey, Place, left_and_taken
from workflow.runtime.changes import Change
from workflow.runtime.lane_ports import InLane, LaneState, WatchedLane
from workflow.runtime.ports import Contested, Listed, Request, SetTimer, Violation, Write
from workflow.testing.memory_lanes import MemoryLanes
from workflow.testing.memory_ledger import MemoryLedger
from workflow.testing.memory_records import MemoryRecords
from workflow.testing.memory_values import MemorySnapshots, check_size, copied, copied_entity, copied_event

_Key = tuple[str, str]


class MemoryStore:
    """Entities with their events and requests in memory, and the stream of their changes; safe from several threads.

    It keeps DynamoDB's promises that the framework builds on: a write happens wholly or not at all, what is read is a
    copy, and no item holds more than 400 KB.
    """

    def __init__(self, *, region: str = "") -> None:
        """`region`: the home of what is created here, as in a replica of a global table."""
        self.region = region
        self.ledger = MemoryLedger()
        self.records = MemoryRecords(self)
        self._entities: dict[_Key, Entity] = {}
        self._events: dict[_Key, dict[int, Event]] = {}
        self._requests: dict[tuple[str, str, str], Request] = {}
        self._timers: dict[_Key, SetTimer] = {}
        self._violations: dict[tuple[str, str, str], Violation] = {}
        self._lanes = MemoryLanes()
        self._stream: list[Change] = []
        self._lock = threading.RLock()

    def find_entity(self, kind: str, entity_id: str) -> Entity | None:
        """The entity as it is now."""
        return copied_entity(self._entities.get((kind, entity_id)))

    def find_event(self, kind: str, entity_id: str, version: int) -> Event | None:
        """The event that made the version."""
        return copied_event(self._events.get((kind, entity_id), {}).get(version))

    def find_request(self, kind: str, entity_id: str, request_id: str) -> Request | None:
        """What the request id was used for."""
        return self._requests.get((kind, entity_id, request_id))

    def requests(self, kind: str, entity_id: str) -> Sequence[Request]:
        """Every request id that was used for the entity."""
        with self._lock:
            return [request for key, request in self._requests.items() if key[:2] == (kind, entity_id)]

    def entity_keys(self) -> Sequence[tuple[str, str]]:
        """Kind and id of everything that is an entity or has a history."""
        with self._lock:
            return list(dict.fromkeys([*self._entities, *self._events]))

    def events(self, kind: str, entity_id: str, *, after: int = 0, limit: int | None = None) -> Iterator[Event]:
        """The events above `after` in version order."""
        with self._lock:
            own = self._events.get((kind, entity_id), {})
            versions = sorted(version for version in own if version > after)[:limit]
            return iter([event for version in versions if (event := copied_event(own[version]))])

    def listing(self, kind: str, state: str, *, after: str = "", limit: int | None = None) -> Iterator[Listed]:
        """The entities of the kind in the state, by id."""
        with self._lock:
            own = [e for e in self._entities.values() if (e.kind, e.state) == (kind, state) and e.id > after]
        lines = [Listed(e.kind, e.id, e.state, e.version, e.changed_at, e.place) for e in own]
        return iter(sorted(lines, key=lambda line: line.id)[:limit])

    def commit(self, write: Write) -> Contested | None:
        """Writes all of it, or nothing and says what stood in the way; raises TooLargeError."""
        for values in (write.after.data, {**write.event.payload, **write.event.changes}):
            check_size(write.event, values)
        with self._lock, self.ledger.lock:
            contested = self._contested(write)
            if contested is None:
                self._apply(write)
            return contested

    def _contested(self, write: Write) -> Contested | None:
        key = (write.event.kind, write.event.entity_id)
        entity = self._entities.get(key)
        event = self._events.get(key, {}).get(write.event.version)
        request = self._requests.get((*key, write.request.id)) if write.request else None
        lease_lost = write.settles is not None and not self.ledger.holds(write.settles.owner, write.settles.after)
        in_place = _place(entity) == _place(write.before)
        slot_taken, slot_lost = self._slots(write)
        if in_place and event is None and request is None and not (lease_lost or slot_taken or slot_lost):
            return None
        found = None if in_place else copied_entity(entity)
        return Contested(found, copied_event(event), request, lease_lost, slot_taken, slot_lost)

    def _slots(self, write: Write) -> tuple[bool, bool]:
        """Whether the slot to be taken is somebody's, and whether the one to be given back is somebody else's."""
        kind, entity_id = write.event.kind, write.event.entity_id
        left, taken = left_and_taken(write.before and write.before.place, write.after.place)
        holder = left and self._lanes.find(left.at(kind), InLane(entity_id, left))
        in_the_way = taken and self._lanes.find(taken.at(kind), InLane(entity_id, taken))
        slot_taken = in_the_way is not None and in_the_way.entity_id != entity_id
        return slot_taken, holder is not None and holder.entity_id != entity_id

    def _apply(self, write: Write) -> None:
        key = (write.event.kind, write.event.entity_id)
        before = self._entities.get(key)
        # From what stands here, like an update on the table: the caller's copy may have been changed in place.
        event = write.event._replace(payload=copied(write.event.payload), changes=copied(write.event.changes))
        after = evolve(before, event)
        self._stream.append(self._change(before, after))
        self._entities[key] = after
        self._events.setdefault(key, {})[event.version] = event
        if write.request:
            self._requests[(*key, write.request.id)] = write.request
        if write.timer:
            self._timers[key] = write.timer
        if write.settles:
            self.ledger.commit(*write.settles)
        self._move(after, write.before and write.before.place, after.place)

    def _move(self, entity: Entity, before: Place | None, after: Place | None) -> None:
        left, taken = left_and_taken(before, after)
        if left:
            self._lanes.leave(left.at(entity.kind), InLane(entity.id, left))
        if taken:
            self._lanes.take(taken.at(entity.kind), InLane(entity.id, taken))

    def _change(self, before: Entity | None, after: Entity) -> Change:
        return Change(
            kind=after.kind,
            entity_id=after.id,
            before_version=before.version if before else 0,
            version=after.version,
            source=before.state if before else "",
            target=after.state,
            definition=after.definition,
            trigger=after.trigger,
            position=str(len(self._stream) + 1),
            snapshots=MemorySnapshots(before, after),
            follows=before.owing if before else 0,
            left=before.place if before else None,
            place=after.place,
            created=after.created_at.isoformat(),
        )

    def changes(self, after: int = 0) -> Sequence[Change]:
        """The stream: every change after the first `after` ones, in the order they happened."""
        with self._lock:
            return self._stream[after:]

    def find_timer(self, kind: str, entity_id: str) -> SetTimer | None:
        """The timer that was set last."""
        return self._timers.get((kind, entity_id))

    def due_timers(self, now: datetime) -> Iterator[SetTimer]:
        """The timers that are due, soonest first."""
        with self._lock:
            due = [timer for timer in self._timers.values() if timer.at <= now and not timer.refused]
        return iter(sorted(due, key=lambda timer: timer.at))

    def change_timer(self, found: SetTimer, timer: SetTimer | None) -> None:
        """Puts another timer in the place of `found`, or none, if that is what stands there."""
        key = (found.kind, found.entity_id)
        with self._lock:
            if self._timers.get(key) == found:
                del self._timers[key]
                if timer:
                    self._timers[key] = timer

    def lane(self, lane: LaneKey, *, waiting: int) -> LaneState:
        """All that run and the first so many that wait."""
        with self._lock:
            return self._lanes.state(lane, waiting)

    def lane_keys(self) -> Sequence[LaneKey]:
        """Every lane in which somebody is."""
        with self._lock:
            return self._lanes.keys()

    def watched_lanes(self, now: datetime) -> Iterator[WatchedLane]:
        """The lanes that a sweeper is to look at, the longest due first."""
        with self._lock:
            return self._lanes.watched(now)

    def watch_lane(self, lane: LaneKey, found: datetime | None, at: datetime | None) -> bool:
        """Has a sweeper look at the lane then, if `found` is what stands there."""
        with self._lock:
            return self._lanes.watch(lane, found, at)

    def remove_from_lane(self, lane: LaneKey, found: InLane) -> bool:
        """Frees the place, if exactly this entity holds it since then, and whether it did."""
        with self._lock:
            is_there = self._lanes.find(lane, found) == found
            if is_there:
                self._lanes.leave(lane, found)
            return is_there

    def move_in_lane(self, entity: Entity, place: Place | None) -> bool:
        """Gives the entity another place, if it is as it was read and nobody else has the place."""
        key = (entity.kind, entity.id)
        with self._lock:
            kept = self._entities.get(key)
            if kept is None or (_place(kept), kept.place) != (_place(entity), entity.place):
                return False
            there = place and self._lanes.find(place.at(entity.kind), InLane(entity.id, place))
            if there is not None and there.entity_id != entity.id:
                return False
            self._entities[key] = kept._replace(place=place)
            # What is there again stays: it is the row that may be missing.
            self._move(kept, None if kept.place == place else kept.place, None)
            self._move(kept, None, place)
            return True

    def record_violation(self, violation: Violation) -> None:
        """Keeps the violation; recording one twice keeps one."""
        self._violations[(violation.kind, violation.entity_id, violation.position)] = violation

    def violations(self, kind: str, entity_id: str) -> Sequence[Violation]:
        """The violations recorded for the entity, oldest first."""
        own = [v for key, v in self._violations.items() if key[:2] == (kind, entity_id)]
        return sorted(own, key=lambda violation: violation.at)


def _place(entity: Entity | None) -> tuple[int, str] | None:
    return (entity.version, entity.state) if entity else None
