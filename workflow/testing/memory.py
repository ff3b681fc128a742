"""The store in memory: for tests without AWS, and for trying a definition out."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from workflow.definition.values import Value
from workflow.engine.entity import Entity
from workflow.engine.events import Event, evolve
from workflow.errors import TooLargeError
from workflow.runtime.changes import Change
from workflow.runtime.ports import Contested, Listed, Request, SetTimer, Violation, Write
from workflow.testing.memory_ledger import MemoryLedger
from workflow.testing.memory_records import MemoryRecords

_ITEM_LIMIT_BYTES = 400 * 1024

_Key = tuple[str, str]


class MemoryStore:
    """Entities with their events and requests in memory, and the stream of their changes; safe from several threads.

    It keeps DynamoDB's promises that the framework builds on: a write happens wholly or not at all, what is read is a
    copy, and no item holds more than 400 KB.
    """

    def __init__(self) -> None:
        self.ledger = MemoryLedger()
        self.records = MemoryRecords(self)
        self._entities: dict[_Key, Entity] = {}
        self._events: dict[_Key, dict[int, Event]] = {}
        self._requests: dict[tuple[str, str, str], Request] = {}
        self._timers: dict[_Key, SetTimer] = {}
        self._violations: dict[tuple[str, str, str], Violation] = {}
        self._stream: list[Change] = []
        self._lock = threading.RLock()

    def find_entity(self, kind: str, entity_id: str) -> Entity | None:
        """The entity as it is now."""
        return _copied_entity(self._entities.get((kind, entity_id)))

    def find_event(self, kind: str, entity_id: str, version: int) -> Event | None:
        """The event that made the version."""
        return _copied_event(self._events.get((kind, entity_id), {}).get(version))

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
            return iter([event for version in versions if (event := _copied_event(own[version]))])

    def listing(self, kind: str, state: str) -> Iterator[Listed]:
        """The entities of the kind in the state, by id."""
        with self._lock:
            own = [e for e in self._entities.values() if (e.kind, e.state) == (kind, state)]
        lines = [Listed(e.kind, e.id, e.state, e.version, e.changed_at) for e in own]
        return iter(sorted(lines, key=lambda line: line.id))

    def commit(self, write: Write) -> Contested | None:
        """Writes all of it, or nothing and says what stood in the way; raises TooLargeError."""
        for values in (write.after.data, {**write.event.payload, **write.event.changes}):
            _check_size(write.event, values)
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
        if in_place and event is None and request is None and not lease_lost:
            return None
        found = None if in_place else _copied_entity(entity)
        return Contested(found, _copied_event(event), request, lease_lost)

    def _apply(self, write: Write) -> None:
        key = (write.event.kind, write.event.entity_id)
        before = self._entities.get(key)
        # From what stands here, like an update on the table: the caller's copy may have been changed in place.
        event = write.event._replace(payload=_copied(write.event.payload), changes=_copied(write.event.changes))
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
            snapshots=_Snapshots(before, after),
            follows=before.owing if before else 0,
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

    def record_violation(self, violation: Violation) -> None:
        """Keeps the violation; recording one twice keeps one."""
        self._violations[(violation.kind, violation.entity_id, violation.position)] = violation

    def violations(self, kind: str, entity_id: str) -> Sequence[Violation]:
        """The violations recorded for the entity, oldest first."""
        own = [v for key, v in self._violations.items() if key[:2] == (kind, entity_id)]
        return sorted(own, key=lambda violation: violation.at)


class _Snapshots:
    """The entity before and after a change, each call a copy of its own."""

    def __init__(self, before: Entity | None, after: Entity) -> None:
        self._before, self._after = before, after
        self.event: Event | None = None

    def before(self) -> Entity | None:
        """A copy of the entity before the change; None if there was none."""
        return _copied_entity(self._before)

    def after(self) -> Entity:
        """A copy of the entity after the change."""
        return self._after._replace(data=_copied(self._after.data))


def _copied(value: Value) -> Value:
    # What is kept holds nothing but these; copy.deepcopy takes twenty times as long.
    if isinstance(value, dict):
        return {name: _copied(item) for name, item in value.items()}
    return [_copied(item) for item in value] if isinstance(value, list) else value


def _copied_entity(entity: Entity | None) -> Entity | None:
    return entity and entity._replace(data=_copied(entity.data))


def _copied_event(event: Event | None) -> Event | None:
    return event and event._replace(payload=_copied(event.payload), changes=_copied(event.changes))


def _place(entity: Entity | None) -> tuple[int, str] | None:
    return (entity.version, entity.state) if entity else None


def _check_size(event: Event, values: Mapping[str, Value]) -> None:
    size = _size_bytes(values)
    if size > _ITEM_LIMIT_BYTES:
        raise TooLargeError(
            f"writing {event.kind} {event.entity_id}: {size} bytes; an item holds at most 400 KB: "
            f"put large values into S3"
        )


def _size_bytes(value: Value) -> int:
    """About what DynamoDB counts: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html"""
    if isinstance(value, str):
        return len(value.encode())
    if isinstance(value, Mapping):
        return 3 + sum(1 + _size_bytes(name) + _size_bytes(item) for name, item in value.items())
    if isinstance(value, list):
        return 3 + sum(1 + _size_bytes(item) for item in value)
    return len(str(value)) // 2 + 1 if isinstance(value, int | Decimal) else 1
