"""Entities that were loaded are put back into their lanes."""

from __future__ import annotations

from workflow.runtime.archives.line import Kept
from workflow.runtime.lane_view import misplaced
from workflow.runtime.mend_lane import mend_place
from workflow.runtime.runtime import Runtime
from workflow.runtime.start_waiting import watch_lane


def is_in_lane(runtime: Runtime, kept: Kept) -> bool:
    """Whether it stood in a lane, or its state asks for a place in one."""
    definition = runtime.get_definition(kept.entity.kind)
    return kept.place is not None or kept.entity.state in definition.lane_of


def is_running(runtime: Runtime, kept: Kept) -> bool:
    """Whether that place is a slot, and not among those that wait."""
    if kept.place is not None:
        return not kept.place.is_waiting
    lane = runtime.get_definition(kept.entity.kind).lane_of[kept.entity.state]
    return lane.running == kept.entity.state


def put_back(runtime: Runtime, kept: Kept) -> bool:
    """Gives the entity the place that it had, or that its state asks for; not if it has one or has moved on.

    Returns whether it got one; raises HistoryConflictError if the entity is damaged, and what the store raises."""
    kind, entity_id, place = kept.entity.kind, kept.entity.id, kept.place
    entity = runtime.store.find_entity(kind, entity_id)
    if entity is None or entity.event_id != kept.entity.event_id:
        return False
    if entity.place is not None:
        if entity.place.is_waiting:
            # One that was interrupted may have come no further than to the place.
            watch_lane(runtime, entity.place.at(kind))
        return False
    fits = place is not None and not misplaced(runtime.definitions, kind, entity.state, place)
    if place is None or not fits or not runtime.store.move_in_lane(entity, place):
        return mend_place(runtime, kind, entity_id)
    if place.is_waiting:
        # No event tells of it, to bring somebody who looks.
        watch_lane(runtime, place.at(kind))
    return True
