"""Writes made by hand, for tests of a store that know nothing of deciding."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from workflow.definition.values import Value
from workflow.engine.entity import Entity
from workflow.engine.events import Event, evolve
from workflow.runtime.ports import Request, Store, Write

BEGINNING = datetime(2026, 1, 31, 12, 0, 0, 123456, tzinfo=UTC)
_ids = count(1)


def creation(entity_id: str = "42", data: dict[str, Value] | None = None, *, kind: str = "order", **more: Any) -> Write:
    """The write of a first event."""
    data = data or {}
    event = Event(
        kind=kind,
        entity_id=entity_id,
        version=1,
        id=f"event-{next(_ids)}",
        trigger="create",
        source="",
        target="placed",
        at=BEGINNING,
        definition=1,
        payload=data,
        changes=data,
    )
    return _write(None, event._replace(**more))


def step(before: Entity, trigger: str = "pay", target: str = "paid", **more: Any) -> Write:
    """The write of the next event after `before`."""
    event = Event(
        kind=before.kind,
        entity_id=before.id,
        version=before.version + 1,
        id=f"event-{next(_ids)}",
        trigger=trigger,
        source=before.state,
        target=target,
        at=BEGINNING + timedelta(seconds=before.version),
        definition=1,
    )
    return _write(before, event._replace(**more))


def requested(write: Write, request_id: str) -> Write:
    """The same write with a request id."""
    event = write.event._replace(request_id=request_id)
    request = Request(request_id, event.version, event.id, "fingerprint")
    return replace(write, event=event, request=request)


def _write(before: Entity | None, event: Event) -> Write:
    return Write(before, event, evolve(before, event), None, token=event.id)


def committed(store: Store, write: Write) -> Write:
    """Commits the write, which nothing may stand in the way of."""
    assert store.commit(write) is None
    return write
