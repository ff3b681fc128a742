"""Stream records as DynamoDB writes them for the changes of a store in memory."""

from __future__ import annotations

import json
from typing import Any

from workflow.aws import event_items, items
from workflow.engine.entity import Entity
from workflow.engine.events import Event
from workflow.runtime.changes import Change
from workflow.testing import MemoryStore

FIRST_POSITION = 100_000_000_000_000_000_000


def position(number: int) -> str:
    """A sequence number, in order; as long as DynamoDB's, so that comparing them as text or floats would show."""
    return str(FIRST_POSITION * 9 + number * 7 if number < 5 else FIRST_POSITION * 11 + number * 7)


def record(number: int, old: dict[str, Any] | None, new: dict[str, Any] | None) -> dict[str, Any]:
    """The record of one item's change, through JSON as Lambda brings it."""
    some = new or old
    assert some is not None
    images = {name: image for name, image in (("OldImage", old), ("NewImage", new)) if image}
    made = {
        "eventID": f"event-{number}",
        "eventName": "MODIFY" if old and new else "INSERT" if new else "REMOVE",
        "eventSource": "aws:dynamodb",
        "dynamodb": {
            "Keys": {"pk": some["pk"], "sk": some["sk"]},
            "SequenceNumber": position(number),
            "StreamViewType": "NEW_AND_OLD_IMAGES",
            **images,
        },
    }
    return dict(json.loads(json.dumps(made)))


def image(store: MemoryStore, entity: Entity | None) -> dict[str, Any] | None:
    """The entity's item at that version."""
    if entity is None:
        return None
    event = store.find_event(entity.kind, entity.id, entity.version)
    assert event is not None
    return items.write_entity(entity, event)


def records(store: MemoryStore, after: int = 0) -> list[dict[str, Any]]:
    """The records of every change in the store after the first `after` ones."""
    return [_of_change(store, number, change) for number, change in enumerate(store.changes(after), after + 1)]


def _of_change(store: MemoryStore, number: int, change: Change) -> dict[str, Any]:
    return record(number, image(store, change.snapshots.before()), image(store, change.snapshots.after()))


def event_record(number: int, event: Event) -> dict[str, Any]:
    """The record of an event's own item."""
    return record(number, None, event_items.write_event(event))


_SHOWN = {"NEW_AND_OLD_IMAGES": ("NewImage", "OldImage"), "NEW_IMAGE": ("NewImage",), "OLD_IMAGE": ("OldImage",)}


def seen(view: str, some: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The records as a stream with that view writes them."""
    left_out = {"NewImage", "OldImage"}.difference(_SHOWN.get(view, ()))
    return [{**one, "dynamodb": _without(left_out, one["dynamodb"]) | {"StreamViewType": view}} for one in some]


def _without(names: set[str], images: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in images.items() if name not in names}
