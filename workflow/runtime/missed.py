"""Versions between OLD and NEW that never came by: the history has them, and each step owes its own effects. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from workflow.engine.entity import Entity
from workflow.engine.events import Event, FoldError, evolve
from workflow.errors import HistoryConflictError
from workflow.runtime.changes import Change, Copies, is_of


class HistoryViolationError(ValueError):
    """The history does not lead to the change; the message says in words how not."""


def missed_steps(change: Change, events: Sequence[Event]) -> list[Change]:
    """Every step of the change as a change of its own, in order.

    `events` are those after the version before the change, at most as many as it has steps. Raises
    HistoryViolationError unless they lead to the change.
    """
    if len(events) < change.version - change.before_version:
        missing = change.before_version + len(events) + 1
        raise HistoryViolationError(f"the entity is at version {change.version}, its history has no event {missing}")
    steps = []
    entity = _before(change)
    for event in events:
        before, entity = entity, _evolved(entity, event)
        steps.append(step_of(event, before, entity)._replace(position=change.position))
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


def step_of(event: Event, before: Entity | None, after: Entity) -> Change:
    """The change that the event made of the entity, as the stream would have brought it; without a position."""
    return Change(
        kind=event.kind,
        entity_id=event.entity_id,
        before_version=event.version - 1,
        version=event.version,
        source=event.source,
        target=event.target,
        definition=event.definition,
        trigger=event.trigger,
        position="",
        snapshots=Copies(before, after, event),
        follows=before.owing if before else 0,
        left=before.place if before else None,
        place=after.place,
    )


def _check_end(change: Change, last: Event) -> None:
    if not is_of(change._replace(source=last.source), last):
        raise HistoryViolationError(
            f"the entity says it came to {change.target!r} by {change.trigger!r} (definition version "
            f"{change.definition}), its history to {last.target!r} by {last.trigger!r} ({last.definition})"
        )
