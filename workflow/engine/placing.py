"""Which place in a lane an event leads to. Pure: which slot is free, others must say."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import ROUND_FLOOR, Decimal

from workflow.definition.definition import Definition, Lane
from workflow.definition.expressions import Expression, ExpressionError, Seen
from workflow.definition.values import UnfitValueError, Value
from workflow.engine.entity import Entity
from workflow.engine.events import Event
from workflow.engine.place import Place

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_LONGEST_KEY_BYTES = 900
"""A partition key holds 2048 bytes.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html"""

_HIGHEST = 10**12
"""Beyond that all are equally urgent."""

_MIDDLE, _DIGITS = 10**30, 31
"""Ranks count from the middle, so that in text order a lower number comes first on both sides of zero. The highest
urgency, times an ageing of ten years in microseconds, has 27 digits."""


class Placing:
    """The lanes of one definition version, their expressions compiled."""

    def __init__(self, definition: Definition) -> None:
        self._definition = definition
        # A key is shown wherever its lane is: also an expression that takes the data whole must not see them.
        self._sensitive = frozenset(field.name for field in definition.data.values() if field.sensitive)
        self._expressions = {
            text: Expression(text) for lane in definition.lanes.values() for text in (lane.by, lane.first) if text
        }

    def after(self, before: Entity | None, event: Event) -> Place | None:
        """The entity's place after the event, None in no lane; a slot that must still be chosen has number 0.

        Raises UnfitValueError where the data gives no key or no number.
        """
        if event.target not in self._definition.lane_of:
            return None
        data = {**(before.data if before else {}), **event.changes}
        entity = {"kind": event.kind, "id": event.entity_id, "state": event.target, "version": event.version}
        return self._place(entity, data, event.at, before.place if before else None)

    def of(self, entity: Entity) -> Place | None:
        """The place that the entity should have by its state and data; raises as `after` does."""
        if entity.state not in self._definition.lane_of:
            return None
        seen = {"kind": entity.kind, "id": entity.id, "state": entity.state, "version": entity.version}
        return self._place(seen, entity.data, entity.changed_at, entity.place)

    def _place(self, entity: Seen, data: Mapping[str, Value], at: datetime, held: Place | None) -> Place:
        lane = self._definition.lane_of[entity["state"]]
        if held is not None and (held.lane != lane.name or held.is_waiting != (entity["state"] == lane.waiting)):
            held = None
        if held is not None and not held.is_waiting:
            # Whatever has become of its data: the slot that it holds is what counts.
            return held
        shown = {name: value for name, value in data.items() if value is not None and name not in self._sensitive}
        seen: Seen = {"data": shown, "entity": entity}
        key = self._key(lane, seen)
        if entity["state"] == lane.running:
            return Place(lane.name, key, at)
        since = held.since if held is not None and held.key == key else at
        return Place(lane.name, key, since, rank=self._rank(lane, seen, since))

    def _key(self, lane: Lane, seen: Seen) -> str:
        if not lane.by:
            return ""
        value = self._value(lane, lane.by, seen)
        if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
            raise UnfitValueError(f"the lane {lane.name!r} needs a key, text or a whole number, from {lane.by!r}")
        if len(str(value).encode()) > _LONGEST_KEY_BYTES:
            raise UnfitValueError(f"the key of lane {lane.name!r} is longer than {_LONGEST_KEY_BYTES} bytes")
        return str(value)

    def _rank(self, lane: Lane, seen: Seen, since: datetime) -> str:
        came_at = (since - _EPOCH) // _MICROSECOND
        urgency = self._urgency(lane, seen)
        if lane.ageing_seconds:
            # A point of urgency is worth so much time, so having come that much earlier is the same: one number, which
            # stays as it is while both of two that wait grow older.
            return _sortable(came_at - _floor(urgency * lane.ageing_seconds * 10**6))
        return f"{_sortable(-_floor(urgency * 10**6))}.{_sortable(came_at)}"

    def _urgency(self, lane: Lane, seen: Seen) -> Decimal:
        value = self._value(lane, lane.first, seen) if lane.first else None
        if value is None:
            return Decimal(0)
        if isinstance(value, bool) or not isinstance(value, int | Decimal):
            raise UnfitValueError(f"the lane {lane.name!r} needs a number from {lane.first!r}")
        return max(Decimal(-_HIGHEST), min(Decimal(_HIGHEST), Decimal(value)))

    def _value(self, lane: Lane, text: str, seen: Seen) -> object:
        try:
            value: object = self._expressions[text].evaluate(seen)
        except ExpressionError as error:
            raise UnfitValueError(f"the lane {lane.name!r}: {error}") from None
        return value


def _floor(number: Decimal) -> int:
    return int(number.to_integral_value(ROUND_FLOOR))


def _sortable(number: int) -> str:
    return f"{_MIDDLE + number:0{_DIGITS}d}"
