"""Who comes before whom in a lane, worked out again from what the documentation says, without the engine's help."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Any

from workflow.definition.definition import Lane
from workflow.definition.expressions import Expression
from workflow.engine.entity import Entity

Order = tuple[Decimal, datetime]
_UTMOST = Decimal(10**12)
_SECOND = timedelta(seconds=1)


def key_in(lane: Lane, entity: Entity) -> str:
    """The key of the entity's queue in the lane."""
    return str(_value(lane.by, entity)) if lane.by else ""


def order_in(lane: Lane, entity: Entity, since: datetime) -> Order:
    """The lower one comes first: by priority, then age; with ageing, a wait so long is worth a point."""
    value = _value(lane.first, entity) if lane.first else None
    urgency = max(-_UTMOST, min(_UTMOST, Decimal(0 if value is None else value)))
    if lane.ageing_seconds:
        came_at = Decimal((since - datetime(2000, 1, 1, tzinfo=since.tzinfo)) // timedelta(microseconds=1)) / 10**6
        return came_at - urgency * lane.ageing_seconds, datetime.min
    return -urgency, since


@cache
def _compiled(text: str) -> Expression:
    return Expression(text)


def _value(text: str, entity: Entity) -> Any:
    data = {name: value for name, value in entity.data.items() if value is not None}
    seen = {"kind": entity.kind, "id": entity.id, "state": entity.state, "version": entity.version}
    return _compiled(text).evaluate({"data": data, "entity": seen})
