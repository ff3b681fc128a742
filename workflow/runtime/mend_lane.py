"""Mend: make lanes and entities agree again, after somebody wrote to one of them by hand."""

from __future__ import annotations

import logging

from workflow.definition.values import UnfitValueError
from workflow.engine.entity import Entity
from workflow.engine.place import LaneKey, Place
from workflow.engine.placing import Placing
from workflow.errors import ContentionError, HistoryConflictError
from workflow.runtime.again import wait
from workflow.runtime.lane_ports import InLane
from workflow.runtime.runtime import Runtime
from workflow.runtime.start_waiting import watch_lane

log = logging.getLogger("workflow")

_ALL = 10_000
_FRONT = 50
"""So many of those that wait are looked at, each by a read: whoever waits behind them comes to the front in time."""

_MOST_TRIES = 8


def mend_lane(runtime: Runtime, lane: LaneKey) -> int:
    """Frees every slot, and every place at the front of those that wait, whose entity is gone or stands elsewhere, puts
    that one where it should stand, and returns how many there were."""
    found = runtime.store.lane(lane, waiting=_FRONT)
    stale = [row for row in (*found.running, *found.waiting) if free_stale(runtime, lane, row)]
    for row in stale:
        mend_place(runtime, lane.kind, row.entity_id)
    return len(stale)


def free_stale(runtime: Runtime, lane: LaneKey, row: InLane) -> bool:
    """Frees the place if its entity is gone, stands elsewhere or is at home elsewhere, and whether it was this that
    freed it."""
    # If it is still as it was read: what came there meanwhile came by a transaction of its own.
    return not _stands_there(runtime, lane, row) and runtime.store.remove_from_lane(lane, row)


def _stands_there(runtime: Runtime, lane: LaneKey, row: InLane) -> bool:
    try:
        entity = runtime.store.find_entity(lane.kind, row.entity_id)
    except HistoryConflictError:
        return False
    if entity is None or entity.home != runtime.region:
        return False
    return entity.place == row.place and _fits(runtime, entity)


def _fits(runtime: Runtime, entity: Entity) -> bool:
    """Whether the entity's place is one for its state, as far as the lane is declared here: by the version that gave
    the place, or else by the one in force. Where that one has another lane for the state, it is the one that counts: in
    a lane that is no more nobody is started."""
    place, in_force = entity.place, runtime.definitions.find(entity.kind)
    if place is None or in_force is None or entity.definition > in_force.version:
        return True
    if entity.state in in_force.lane_of and in_force.lane_of[entity.state].name != place.lane:
        return False
    known = (runtime.definitions.find(entity.kind, entity.definition), in_force)
    lane = next((d.lanes[place.lane] for d in known if d and place.lane in d.lanes), None)
    return lane is None or entity.state == (lane.waiting if place.is_waiting else lane.running)


def mend_place(runtime: Runtime, kind: str, entity_id: str) -> bool:
    """Puts the entity into the lane where its state says that it stands, or out of one, and whether that was needed;
    whoever runs gets a slot, above the limit if need be, so that it is counted.

    What only a newer definition than those here knows is left alone. Raises a Retryable if others were faster every
    time.
    """
    placing = runtime.find_placing(kind) if kind in runtime.definitions.kinds else None
    if placing is None:
        return False
    for attempt in range(_MOST_TRIES):
        try:
            entity = runtime.store.find_entity(kind, entity_id)
            if entity is None or entity.home != runtime.region or _is_in_place(runtime, entity):
                return False
            place = _expected(runtime, placing, entity)
        except (HistoryConflictError, UnfitValueError) as error:
            ids = {"kind": kind, "id": entity_id}
            log.warning("%s %s has no place in a lane: %s", kind, entity_id, error, extra=ids)
            return False
        if place is None and entity.place is None:
            return False
        if _is_moved(runtime, entity, place):
            return True
        wait(runtime.clock, attempt)
    raise ContentionError(f"the place of {kind} {entity_id} in its lane: others were faster {_MOST_TRIES} times")


def _is_moved(runtime: Runtime, entity: Entity, place: Place | None) -> bool:
    is_moved = runtime.store.move_in_lane(entity, place)
    if is_moved and place is not None and place.is_waiting:
        # No event tells of it, to bring somebody who looks.
        watch_lane(runtime, place.at(entity.kind))
    return is_moved


def _is_in_place(runtime: Runtime, entity: Entity) -> bool:
    if entity.definition > runtime.get_definition(entity.kind).version:
        return True
    place = entity.place
    return place is not None and _fits(runtime, entity) and _is_kept(runtime, entity, place)


def _is_kept(runtime: Runtime, entity: Entity, place: Place) -> bool:
    found = runtime.store.lane(place.at(entity.kind), waiting=_ALL if place.is_waiting else 0)
    rows = found.waiting if place.is_waiting else found.running
    return InLane(entity.id, place) in rows or (place.is_waiting and not found.is_whole)


def _expected(runtime: Runtime, placing: Placing, entity: Entity) -> Place | None:
    place = placing.of(entity)
    if place is None or place.is_waiting:
        return place
    running = runtime.store.lane(place.at(entity.kind), waiting=0).running
    taken = {row.place.slot for row in running if row.entity_id != entity.id}
    if place.slot and place.slot not in taken:
        return place
    return place._replace(slot=next(number for number in range(1, len(taken) + 2) if number not in taken))
