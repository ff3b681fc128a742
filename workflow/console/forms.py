"""Entities, events, effects and problems as data in the form that `--json` gives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from workflow.console.entity_history import EntityHistory
from workflow.definition.definition import Definition, Definitions, Transition
from workflow.definition.webhooks.webhook import Webhooks
from workflow.engine.entity import Entity
from workflow.engine.events import Event
from workflow.errors import Problem
from workflow.runtime.accepted import Accepted
from workflow.runtime.ledger_entry import Outcome
from workflow.runtime.ports import Listed, Violation

Form = dict[str, Any]
"""What `to_json` writes as a map."""


def history_form(history: EntityHistory) -> Form:
    """The entity's place and its events, each with its effects."""
    entity = history.entity
    return {
        "kind": history.kind,
        "id": history.id,
        "state": entity.state if entity else None,
        "version": entity.version if entity else None,
        "earlier": history.earlier,
        "events": [_event_with_effects(history, event) for event in history.events],
        "violations": [_violation_form(violation) for violation in history.violations],
    }


def entity_form(history: EntityHistory, entity: Entity) -> Form:
    """The entity with its data, what can be fired from here, and what is open."""
    return {
        **place_form(history, entity),
        "parked": _parked_form(history),
        "can_fire": [way_form(way) for way in _ways(history.definition, entity.state)],
        "open_effects": [
            {"version": version, **effect_form(hook, outcome)} for version, hook, outcome in history.open_effects()
        ],
        "violations": [_violation_form(violation) for violation in history.violations],
    }


def place_form(history: EntityHistory, entity: Entity) -> Form:
    """The entity with its data."""
    return {
        "kind": entity.kind,
        "id": entity.id,
        "state": entity.state,
        "version": entity.version,
        "definition": entity.definition,
        "created_at": entity.created_at,
        "since": entity.changed_at,
        **({"home": entity.home} if entity.home else {}),
        "data": history.data_of(entity),
    }


def accepted_form(history: EntityHistory, accepted: Accepted) -> Form:
    """The event that was recorded (now or, if `repeated`, before), and the entity as it left it."""
    return {
        "repeated": accepted.repeated,
        "event": _event_form(history, accepted.event),
        "entity": place_form(history, accepted.entity),
    }


def listing_form(kind: str, state: str | None, listed: Sequence[Listed], *, more: bool) -> Form:
    """The entities listed, and whether there are more."""
    lines = [{"id": e.id, "state": e.state, "version": e.version, "since": e.changed_at} for e in listed]
    return {"kind": kind, "state": state, "entities": lines, "more": more}


def check_form(problems: Sequence[Problem], definitions: Definitions | None, webhooks: Webhooks | None = None) -> Form:
    """The problems found, and the definitions and webhooks that have none."""
    return {
        "problems": [
            {"file": p.file, "line": p.line, "column": p.column, "message": p.message, "way_out": p.way_out}
            for p in problems
        ],
        "definitions": [
            {"kind": d.kind, "version": d.version, "states": len(d.states), "transitions": len(d.transitions)}
            for d in definitions or ()
        ],
        "webhooks": [{"source": w.name, "signature": w.signature.scheme} for w in webhooks or ()],
    }


def _event_form(history: EntityHistory, event: Event) -> Form:
    return {
        "version": event.version,
        "at": event.at,
        "trigger": event.trigger,
        "from": event.source or None,
        "to": event.target,
        "by": event.by,
        "payload": history.payload_of(event),
        "changes": history.changes_of(event),
        "id": event.id,
        "request_id": event.request_id,
        "cause": event.cause,
        "definition": event.definition,
    }


def _event_with_effects(history: EntityHistory, event: Event) -> Form:
    effects = [effect_form(hook, outcome) for hook, outcome in history.effects(event).items()]
    return {**_event_form(history, event), "effects": effects}


def effect_form(hook: str, outcome: Outcome) -> Form:
    """How one effect stands, with every attempt that failed."""
    return {
        "hook": hook,
        "outcome": outcome.status,
        "attempts": outcome.attempts,
        "at": outcome.at,
        "took_ms": outcome.took_ms if outcome.at else None,
        "error": outcome.error,
        "note": outcome.note,
        "failed_attempts": [{"at": a.at, "took_ms": a.took_ms, "error": a.error} for a in outcome.attempts_failed],
    }


def _parked_form(history: EntityHistory) -> Form | None:
    entry = history.parked
    if entry is None or entry.parked is None:
        return None
    parked = entry.parked
    return {"version": entry.version, "hook": parked.hook, "why": parked.why, "next_try": parked.next_at}


def _violation_form(violation: Violation) -> Form:
    return {
        "at": violation.at,
        "reason": violation.reason,
        "from": violation.source or None,
        "to": violation.target or None,
        "before_version": violation.before_version,
        "version": violation.version,
    }


def _ways(definition: Definition | None, state: str) -> list[Transition]:
    return [way for way in definition.transitions if way.source == state] if definition else []


def way_form(way: Transition) -> Form:
    """One transition that leads on."""
    return {
        "trigger": way.trigger,
        "to": way.target,
        "requires": list(way.requires),
        "guard": str(way.guard) if way.guard else None,
    }
