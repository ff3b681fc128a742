"""For which steps of a history a projection is run when it is rebuilt. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from workflow.definition.definition import Definitions
from workflow.engine.entity import Entity
from workflow.engine.events import FoldError, evolve, fold
from workflow.runtime.changes import Change, known_owed
from workflow.runtime.missed import step_of
from workflow.runtime.records import EntityRecords


def unreadable(found: EntityRecords) -> str:
    """Of which entity the history cannot be followed from its beginning to its end, and why not; '' if it can."""
    name = f"{found.kind} {found.entity_id}"
    damaged = next((why for sort_key, why in found.damaged.items() if sort_key.startswith("event#")), "")
    if damaged:
        return f"{name}: {damaged}"
    try:
        fold(found.events)
    except FoldError as error:
        return str(error)
    return f"{name}: it has no history" if found.entity is not None and not found.events else ""


def projected_steps(definitions: Definitions, found: EntityRecords, projection: str) -> Iterator[Change]:
    """The steps that owe the projection, in version order, each with its event at hand.

    Raises DefinitionNotDeployedError where nobody here can tell.
    """
    entity: Entity | None = None
    for event in found.events:
        before, entity = entity, evolve(entity, event)
        step = step_of(event, before, entity)
        if _is_owed(definitions, step, projection):
            yield step


def _is_owed(definitions: Definitions, step: Change, projection: str) -> bool:
    # The one in force first: it fills what was not asked for when the event was made.
    in_force = definitions.find(step.kind)
    edge = (step.trigger, step.source, step.target)
    if in_force is not None and projection in in_force.edges.get(edge, ()):
        return True
    return projection in known_owed(definitions, step)
