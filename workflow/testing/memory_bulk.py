"""Building a MemoryStore from histories."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from workflow.engine.events import Event
from workflow.runtime.archives.bulk import Found, Key, Load, Standing
from workflow.testing.memory import MemoryStore
from workflow.testing.memory_values import copied


class MemoryBulk:
    """Many entities at once, in memory; `written` is told before each item that is written, so that a test may stop
    there."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store

    def written(self) -> None:
        """Told before each item."""

    def standing(self, loads: Sequence[Load]) -> Mapping[Key, Standing]:
        """What stands there of each of them."""
        return {load.key: self._standing(load) for load in loads}

    def _standing(self, load: Load) -> Standing:
        first, last = (self._store.find_event(*load.key, version) for version in (1, load.entity.version))
        return Standing(self._store.find_entity(*load.key), first.id if first else "", last.id if last else "")

    def put(self, loads: Sequence[Load]) -> Sequence[Key]:
        """Writes each of which neither the entity nor another first event is there, and returns the others."""
        return [load.key for load in loads if not self._put(load)]

    def _put(self, load: Load) -> bool:
        # The floor below has no way to write an entity without its event; a test's store may be reached into.
        store = self._store
        with store._lock:
            first = self._events(load.key).get(1)
            if load.key in store._entities or first not in (None, load.events[0]):
                return False
            self._put_event(load.events[0])
            for entry in load.entries:
                self.written()
                store.ledger.put(entry, store.ledger.find(*entry[:3]))
            for event in load.events[1:]:
                self._put_event(event)
            for request, _ in load.requests:
                self.written()
                store._requests[(*load.key, request.id)] = request
            if load.timer:
                self.written()
                store._timers[load.key] = load.timer
            self.written()
            entity = load.entity._replace(data=copied(load.entity.data))
            store._stream.append(store._change(None, entity))
            store._entities[load.key] = entity
            return True

    def _put_event(self, event: Event) -> None:
        self.written()
        self._events((event.kind, event.entity_id))[event.version] = _kept(event)

    def _events(self, key: Key) -> dict[int, Event]:
        return self._store._events.setdefault(key, {})

    def histories(self, loads: Sequence[Load]) -> Mapping[Key, Found]:
        """What stands there of each."""
        return {load.key: Found(self._store.find_entity(*load.key), self._history(load)) for load in loads}

    def _history(self, load: Load) -> Mapping[int, Event]:
        own = self._store.events(*load.key, limit=len(load.events))
        return {event.version: event for event in own}


def _kept(event: Event) -> Event:
    return event._replace(payload=copied(event.payload), changes=copied(event.changes))
