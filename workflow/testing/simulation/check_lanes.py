"""Promise 9 at rest: whoever may run runs, rows and entities say the same, and a sweeper looks where somebody waits."""

from __future__ import annotations

from collections import defaultdict

from workflow.engine.place import LaneKey
from workflow.errors import LimitError
from workflow.runtime.slots import limit_of
from workflow.testing.simulation.lane_watch import LaneWatch
from workflow.testing.simulation.world import World


def check_lanes(world: World) -> None:
    """Notes a breach for each lane that is not as it should be when nothing moves any more."""
    watch = world.lane_watch
    if watch is None:
        return
    watch.check_rows(always=True)
    running: dict[LaneKey, int] = defaultdict(int)
    lanes = {watched.lane for watched in world.table.watched()}
    for lane, row in world.table.lane_rows():
        lanes.add(lane)
        running[lane] += not row.place.is_waiting
    for lane in sorted(lanes):
        _check_slots(world, watch, lane, running[lane])


def check_prompt(world: World) -> None:
    """While nobody acts and the stream is delivered, before any sweeper comes by: no slot is free beside somebody who
    waits there and would have been started all the time."""
    watch = world.lane_watch
    if watch is None or watch.by_hand or world.is_trimmed or world.profile.view == "KEYS_ONLY":
        # Of an entity that has moved on, keys alone do not say which slots it gave back on its way: sweepers look.
        return
    for key, stand in watch.stands.items():
        declared = world.definition(key[0]).lanes[stand.lane.lane]
        if stand.runs or declared.limit_function or not watch.would_have_started(key, stand):
            continue
        running = sum(other.lane == stand.lane and other.runs for other in watch.stands.values())
        if running < declared.limit:
            text = f"{running} of at most {declared.limit} run in the {stand.lane}, and nobody has looked"
            world.log.breach(9, f"{text} since {' '.join(key)} waits, or the slot is free")


def _check_slots(world: World, watch: LaneWatch, lane: LaneKey, running: int) -> None:
    keys = [key for key, stand in watch.stands.items() if stand.lane == lane and not stand.runs]
    is_watched = any(watched.lane == lane for watched in world.table.watched())
    if keys and not is_watched:
        world.log.breach(9, f"{len(keys)} wait in the {lane}, and no sweeper will ever look at it")
    if is_watched and not keys:
        world.log.breach(9, f"nobody waits in the {lane}, and sweepers look at it for ever")
    declared = world.definition(lane.kind).lanes[lane.lane]
    try:
        limit = limit_of(world.runtime, declared, lane.key)
    except LimitError as error:
        world.log.breach(9, f"nobody starts in the {lane}: {error}")
        return
    next_ones = [key for key in keys if watch.accepts(world.table.entity(key), lane)]
    if running < limit and next_ones:
        world.log.breach(
            9, f"{running} of at most {limit} run in the {lane}, and {' '.join(next_ones[0])} waits, and may be started"
        )
