"""Explain lanes: why an entity does not run, or which slot it has."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from workflow.engine.entity import Entity
from workflow.engine.place import Place
from workflow.runtime.lane_view import LaneView, is_judged, misplaced, refusal_to_start, told_place
from workflow.runtime.reason import Reason, command, span
from workflow.runtime.runtime import Runtime

_MOST_NAMED = 5


def held_by_lane(runtime: Runtime, entity: Entity, view: LaneView | None, now: datetime) -> Reason | None:
    """That it waits for its turn, or that lane and entity do not agree; no effect holds a start up."""
    place = entity.place
    wrong = misplaced(runtime.definitions, entity.kind, entity.state, place)
    if wrong and is_judged(runtime.definitions, entity):
        return Reason(wrong, command("reconcile"))
    if place is None or view is None:
        return None
    if not view.holds(entity.id, place):
        return Reason(f"it has {told_place(place)} in {_named(place)}, which does not know of it", command("reconcile"))
    if not place.is_waiting:
        return None
    return _turn(runtime, entity, f"waits in {_named(place)} since {span(now - place.since)}", view, now)


def slot_held(place: Place, view: LaneView, now: datetime) -> Iterator[Reason]:
    """Which slot it has, and since when."""
    of = "" if view.limit is None else f" of {view.limit}"
    yield Reason(f"has slot {place.slot}{of} in {_named(place)} since {span(now - place.since)}")


def _named(place: Place) -> str:
    return f"lane {place.lane}" + (f" for {place.key!r}" if place.key else "")


def _turn(runtime: Runtime, entity: Entity, waits: str, view: LaneView, now: datetime) -> Reason:
    first = [row.entity_id for row in view.waiting]
    ahead = f"{first.index(entity.id):,} ahead" if entity.id in first else f"more than {len(first):,} ahead"
    if view.limit is None:
        return Reason(f"{waits}, {ahead}; how many may run is not known: {view.unknown}", "mend the limit")
    if not view.free:
        return Reason(f"{waits}: {_taken(view, view.limit, now)}, {ahead}")
    free = f"{waits}: {len(view.free)} of {view.limit} slots free, {ahead}"
    lane = view.lane.lane
    trigger = runtime.get_definition(entity.kind).lanes[lane].trigger
    refused = refusal_to_start(runtime, entity, lane)
    if refused:
        return Reason(f"{free}, and {trigger!r} is refused: {refused}", "it is asked again every minute")
    return Reason(
        f"{free}, and {trigger!r} would be accepted: the stream or the sweeper has yet to come to it",
        f"if this lasts longer than two minutes: {command('reconcile')}",
    )


def _taken(view: LaneView, limit: int, now: datetime) -> str:
    who = [f"{view.lane.kind} {row.entity_id} since {span(now - row.place.since)}" for row in view.running]
    if not limit:
        return "its limit is 0"
    told = ", ".join(who[:_MOST_NAMED]) + (" ..." if len(who) > _MOST_NAMED else "")
    if limit == 1 == len(who):
        return f"slot held by {told}"
    return f"{len(who)} of {limit} slots taken" + (f": {told}" if told else "")
