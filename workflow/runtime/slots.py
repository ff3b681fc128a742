"""How many of a lane may run, which of its slots are free, and which one an event takes."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from workflow.definition.definition import MOST_RUNNING, Lane
from workflow.definition.values import UnfitValueError
from workflow.engine.entity import Entity
from workflow.engine.events import Event
from workflow.engine.place import LaneKey
from workflow.errors import LaneFullError, LimitError, PayloadError, Refused, TransitionError
from workflow.runtime.ask import Ask
from workflow.runtime.lane_ports import InLane
from workflow.runtime.redact import bare_trace
from workflow.runtime.runtime import Runtime

log = logging.getLogger("workflow")


def limit_of(runtime: Runtime, lane: Lane, key: str) -> int:
    """How many of the key may run at once; raises LimitError if the function that says it does not."""
    if not lane.limit_function:
        return lane.limit
    function = runtime.hooks.limits.get(lane.limit_function)
    if function is None:
        raise LimitError(f"no handler module registers the limit {lane.limit_function!r}; add it with @limit")
    try:
        said = function(key)
    except Exception as error:
        # Of what it raised the name alone: the words may quote what it saw, and a caller cannot read a trace.
        log.error("the limit %r failed: %s", lane.limit_function, bare_trace(error))
        raise LimitError(f"the limit {lane.limit_function!r} failed: {type(error).__name__}") from error
    if isinstance(said, bool) or not isinstance(said, int) or not 0 <= said <= MOST_RUNNING:
        raise LimitError(
            f"the limit {lane.limit_function!r} must return a whole number from 0 to {MOST_RUNNING}, "
            f"not {type(said).__name__}"
        )
    return said


def free_slots(running: Sequence[InLane], limit: int) -> list[int]:
    """The numbers of the slots that may be taken, lowest first: none while as many run as may, whatever slots they hold
    since a limit was lowered."""
    taken = {row.place.slot for row in running}
    numbers = (number for number in range(1, limit + 1) if number not in taken)
    return [number for number, _ in zip(numbers, range(max(0, limit - len(taken))), strict=False)]


def placed(runtime: Runtime, ask: Ask, before: Entity | None, event: Event) -> Event | Refused:
    """The event with the place in a lane that it leads to.

    A PayloadError is returned where the data gives no place; raises LaneFullError if there is no slot, and LimitError.
    """
    placing = runtime.find_placing(event.kind)
    if placing is None:
        return event
    try:
        place = placing.after(before, event)
    except UnfitValueError as error:
        return PayloadError(f"{ask}: {error}")
    if place is not None and not place.is_waiting and not place.slot:
        # The slot that the lane gives is one of the queue where it stood: by its data it may belong to another.
        queue = place.at(event.kind)
        given = ask.slot if before and before.place and before.place.at(event.kind) == queue else 0
        try:
            place = place._replace(slot=given or _free_slot(runtime, ask, event, queue))
        except LaneFullError as error:
            if not ask.slot:
                raise
            # Of no concern to the lane that asks: there it is the next one's turn.
            return TransitionError(str(error))
    if ask.slot and before is not None:
        # The lane asks, on behalf of whoever had it wait: a circle that leads through a lane is one all the same.
        event = event._replace(depth=before.depth)
    return event._replace(place=place)


def _free_slot(runtime: Runtime, ask: Ask, event: Event, lane: LaneKey) -> int:
    declared = runtime.get_definition(event.kind).lane_of[event.target]
    # Who runs already, since before there was the lane, is counted from now on, above the limit if need be.
    runs = event.source == declared.running
    limit = MOST_RUNNING if runs else limit_of(runtime, declared, lane.key)
    running = runtime.store.lane(lane, waiting=0).running
    free = free_slots(running, limit)
    if not free:
        raise lane_full(ask, lane, limit, [row.entity_id for row in running])
    return free[0]


def lane_full(ask: Ask, lane: LaneKey, limit: int, running: Sequence[str]) -> LaneFullError:
    """What to say of a transition for which there is no slot."""
    who = ", ".join(running[:5]) + (" ..." if len(running) > 5 else "")
    why = f"all {limit} are taken: {who}" if running else f"its limit is {limit}"
    return LaneFullError(f"{ask} needs a slot of the {lane}, and {why}; ask again later")
