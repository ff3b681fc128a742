"""Values as a MemoryStore keeps them: copied on the way in and out, and no larger than an item may be."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from workflow.definition.values import Value
from workflow.engine.entity import Entity
from workflow.engine.events import Event
from workflow.errors import TooLargeError

_ITEM_LIMIT_BYTES = 400 * 1024


class MemorySnapshots:
    """The entity before and after a change, each call a copy of its own."""

    def __init__(self, before: Entity | None, after: Entity) -> None:
        self._before, self._after = before, after
        self.event: Event | None = None

    def before(self) -> Entity | None:
        """A copy of the entity before the change; None if there was none."""
        return copied_entity(self._before)

    def after(self) -> Entity:
        """A copy of the entity after the change."""
        return self._after._replace(data=copied(self._after.data))


def copied(value: Value) -> Value:
    """A copy of a canonical value."""
    # What is kept holds nothing but these; copy.deepcopy takes twenty times as long.
    if isinstance(value, dict):
        return {name: copied(item) for name, item in value.items()}
    return [copied(item) for item in value] if isinstance(value, list) else value


def copied_entity(entity: Entity | None) -> Entity | None:
    """A copy of the entity, its data too."""
    return entity and entity._replace(data=copied(entity.data))


def copied_event(event: Event | None) -> Event | None:
    """A copy of the event, its payload and changes too."""
    return event and event._replace(payload=copied(event.payload), changes=copied(event.changes))


def check_size(event: Event, values: Mapping[str, Value]) -> None:
    """Raises TooLargeError if an item of those values would hold more than DynamoDB takes."""
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
