"""Home: the one region of a global table where an entity may be written. Where no region is set, home is ''."""

from __future__ import annotations

from collections.abc import Sequence

from workflow.engine.entity import Entity
from workflow.engine.events import Event
from workflow.errors import CreateError, HistoryConflictError, HomeRegionError
from workflow.runtime.ask import Ask
from workflow.runtime.ports import Contested
from workflow.runtime.records import EntityRecords
from workflow.runtime.runtime import Runtime


def check_home(runtime: Runtime, entity: Entity) -> None:
    """Raises HomeRegionError unless the entity may be written here."""
    if entity.home != runtime.region:
        raise HomeRegionError(
            f"{entity.kind} {entity.id}: {away(runtime, entity.home)}; send it there: {way_to(entity.home)}"
        )


def check_home_of(runtime: Runtime, kind: str, entity_id: str) -> None:
    """The same for what may not be there, or cannot be read: then this table is all there is to go by."""
    try:
        entity = runtime.store.find_entity(kind, entity_id)
    except HistoryConflictError:
        return
    if entity is not None:
        check_home(runtime, entity)


def away(runtime: Runtime, home: str) -> str:
    """That the home is another one than here, in words."""
    here = f"this is {runtime.region}" if runtime.region else "here no region is set"
    if not home:
        return f"it has no home, since it was created where no region is set, and {here}"
    return f"its home is {home}, and {here}"


def way_to(home: str) -> str:
    """How a request gets to that home, in words."""
    if not home:
        return "to the address of the stack that has no region, or from a shell with WORKFLOW_REGION set to nothing"
    return (
        f"to the address of the stack in {home}, or from a shell with AWS_DEFAULT_REGION={home} WORKFLOW_REGION={home}"
    )


def is_elsewhere(runtime: Runtime, found: EntityRecords) -> bool:
    """Whether an entity is at home in another region; one that does not say is taken for ours."""
    return found.home not in (None, runtime.region)


def check_created_nowhere_else(runtime: Runtime, ask: Ask, found: Contested) -> None:
    """Raises CreateError if what stands in the way of a creation came from another region: the entity or its first
    event, since a replica is brought item by item."""
    first = found.entity or found.event
    if first is not None and first.home != runtime.region:
        raise CreateError(
            f"{ask.kind} {ask.entity_id} exists already: {away(runtime, first.home)}; give another id, or send it "
            f"there: {way_to(first.home)}"
        )


def check_came_with_its_entity(runtime: Runtime, ask: Ask, events: Sequence[Event]) -> None:
    """Raises HomeRegionError if a request came from another region before all events of its entity."""
    if runtime.region and not events:
        raise HomeRegionError(
            f"{ask}: the request id {ask.request_id!r} was used in another region, and the rest has yet to come, "
            f"usually within a second; send it again then, or to the region that it was sent to first"
        )
