"""Versions between OLD and NEW that never came by: the history has them, and each step owes its own effects. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from workflow.definition.definition import Definitions
from workflow.engine.entity import Entity
from workflow.engine.events import Event, FoldError, evolve
from workflow.errors import HistoryConflictError
from workflow.runtime.changes import Change, find_violation, owed_by
from workflow.runtime.effect import Delivery


class HistoryViolationError(ValueError):
    """The history does not lead to the change; the message says in words how not."""


class _Folded(NamedTuple):
    """The entity around a past event, as its history makes it."""

    entity_before: Entity | None
    entity_after: Entity

    def before(self) -> Entity | None:
        return self.entity_before

    def after(self) -> Entity:
        return self.entity_after


def missed_steps(
    change: Change, events: Sequence[Event], definitions: Definitions
) -> list[tuple[Delivery, tuple[str, ...]]]:
    """Every step of the change with the hooks it owes, in order.

    `events` are those after the version before the change, at most as many as it has steps. Raises
    HistoryViolationError unless they lead to the change by declared steps, and DefinitionNotDeployedError.
    """
    if len(events) < change.version - change.before_version:
        missing = change.before_version + len(events) + 1
        raise HistoryViolationError(f"the entity is at version {change.version}, its history has no event {missing}")
    steps = []
    entity = _before(change)
    for event in events:
        before, entity = entity, _evolved(entity, event)
        step = _step(change, event)
        undeclared = find_violation(step, definitions)
        if undeclared:
            raise HistoryViolationError(undeclared)
        steps.append((_delivery(event, before, entity), owed_by(definitions, step) or ()))
    _check_end(change, events[-1])
    return steps


def _before(change: Change) -> Entity | None:
    try:
        return change.snapshots.before()
    except HistoryConflictError as error:
        raise HistoryViolationError(str(error)) from None


def _evolved(entity: Entity | None, event: Event) -> Entity:
    try:
        return evolve(entity, event)
    except FoldError as error:
        raise HistoryViolationError(str(error)) from None


def _step(change: Change, event: Event) -> Change:
    return change._replace(
        before_version=event.version - 1,
        version=event.version,
        source=event.source,
        target=event.target,
        definition=event.definition,
        trigger=event.trigger,
    )


def _check_end(change: Change, last: Event) -> None:
    shown = (change.trigger, change.target, change.definition)
    if shown != (last.trigger, last.target, last.definition):
        raise HistoryViolationError(
            f"the entity says it came to {change.target!r} by {change.trigger!r} (definition version "
            f"{change.definition}), its history to {last.target!r} by {last.trigger!r} ({last.definition})"
        )


def _delivery(event: Event, before: Entity | None, after: Entity) -> Delivery:
    return Delivery(event.kind, event.entity_id, event.version, _Folded(before, after), lambda: event)
