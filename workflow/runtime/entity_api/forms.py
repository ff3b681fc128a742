"""Entities and events in the form that callers get: the words of the command line's `--json`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TypeAlias

from workflow.definition.values import Value
from workflow.engine.entity import Entity
from workflow.engine.events import Event
from workflow.runtime.ports import Listed

Form: TypeAlias = dict[str, Value]


def standing_form(entity: Entity) -> Form:
    """Where the entity stands, without its data: for those who may write and not read."""
    return {"kind": entity.kind, "id": entity.id, "version": entity.version, "state": entity.state}


def entity_form(entity: Entity) -> Form:
    """The whole entity, sensitive fields too."""
    return {
        **standing_form(entity),
        "definition": entity.definition,
        "created_at": _write_time(entity.created_at),
        "since": _write_time(entity.changed_at),
        "data": dict(entity.data),
    }


def event_form(event: Event) -> Form:
    """The whole event, sensitive fields too."""
    return {
        "version": event.version,
        "at": _write_time(event.at),
        "trigger": event.trigger,
        "from": event.source or None,
        "to": event.target,
        "by": event.by,
        "payload": dict(event.payload),
        "changes": dict(event.changes),
        "id": event.id,
        "request_id": event.request_id,
        "cause": event.cause,
        "definition": event.definition,
    }


def listed_form(listed: Listed) -> Form:
    """One line of a listing."""
    return {
        "id": listed.id,
        "state": listed.state,
        "version": listed.version,
        "since": _write_time(listed.changed_at),
    }


def _write_time(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
