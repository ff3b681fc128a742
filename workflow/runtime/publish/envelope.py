"""The CloudEvent that tells of a transition. Pure.

https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from workflow.definition.values import Value
from workflow.engine.entity import Entity
from workflow.engine.events import Event

DATA_SCHEMA = "urn:stream-workflow:transition:1"
"""Names the form of `data`, which the published schema describes; another form gets another number."""

_LARGEST_WHOLE = 2**53 - 1
"""The largest whole number that a reader who keeps numbers as doubles reads as it is; RFC 8259, section 6."""


def envelope(
    event: Event,
    entity: Entity,
    *,
    key: str,
    source: str,
    type: str,
    declared: Collection[str],
    hidden: Collection[str],
    by: str,
) -> dict[str, Any]:
    """The whole message as plain JSON: the same for the same event, however often it is made.

    Of the payload only what is `declared` is shown, and nowhere a key that is `hidden`, however deep it stands.
    """
    at = _time(event.at)
    data: dict[str, Any] = {
        "kind": event.kind,
        "id": event.entity_id,
        "version": event.version,
        "trigger": event.trigger,
        **({"from": event.source} if event.source else {}),
        "to": event.target,
        "at": at,
        **({"by": by} if by else {}),
        "payload": _shown({name: event.payload[name] for name in event.payload if name in declared}, hidden),
        "data": _shown(entity.data, hidden),
    }
    return {
        "specversion": "1.0",
        "id": key,
        "source": source,
        "type": type or f"{event.kind}.{event.trigger}",
        "subject": f"{event.kind}/{event.entity_id}",
        "time": at,
        "datacontenttype": "application/json",
        "dataschema": DATA_SCHEMA,
        "data": data,
    }


def pointing_at(whole: Mapping[str, Any], place: str) -> dict[str, Any]:
    """The message with a pointer in the place of its data, which is found there as it was.
    https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/extensions/dataref.md"""
    return {**{name: part for name, part in whole.items() if name != "data"}, "dataref": place}


def _shown(value: Value, hidden: Collection[str]) -> Any:
    if isinstance(value, Mapping):
        return {name: _shown(item, hidden) for name, item in value.items() if name not in hidden}
    if isinstance(value, list | tuple):
        return [_shown(item, hidden) for item in value]
    return _exact(value)


def _exact(value: Value) -> Any:
    """A number that every reader of JSON reads as it is stays one; any other becomes the text of all its digits."""
    if isinstance(value, Decimal):
        return float(value) if Decimal(repr(float(value))) == value else str(value)
    if isinstance(value, int) and abs(value) > _LARGEST_WHOLE:
        return str(value)
    return value


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
