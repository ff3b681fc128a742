"""Peace: no faults any more, everything is mended, and what is due goes on until nothing moves."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

from workflow.definition.definition import Definition
from workflow.engine.place import LaneKey
from workflow.errors import EffectNotParkedError
from workflow.runtime.ledger_entry import LedgerEntry
from workflow.runtime.people import redrive, skip
from workflow.runtime.retries import DEFAULT_RETRY
from workflow.testing.simulation.check_lanes import check_prompt
from workflow.testing.simulation.check_visible import check_visible
from workflow.testing.simulation.scheduler import SECOND
from workflow.testing.simulation.story import START
from workflow.testing.simulation.world import World

_MOST_ROUNDS = 120
"""Without an effect that was settled, and beside the tries that the hooks are given."""
_MOST_STEPS = 5_000
_REDRIVES = 2
_LANE_LOOKS = 2
_SECOND = timedelta(seconds=1)
_LOOK_AGAIN = 20 * SECOND
_GRACE = 400 * SECOND
"""Longer than reconcile leaves to the stream, and than any clock is wrong."""


def bring_to_rest(world: World) -> None:
    """Two times of peace: in the first, what is poisoned still fails, and waits for a person in the end; in the second
    everything is mended, and people let go on what waits for them. Afterwards nothing is open."""
    world.fate.calm = True
    _settle(world, {})
    by_hand = world.lane_watch is not None and world.lane_watch.by_hand
    if (world.is_trimmed or by_hand) and not world.log.breaches:
        _reconcile(world)
    if not world.log.breaches:
        check_visible(world)
        world.is_mended = True
        world.tell_of("people", "mend every hook, and let go on what waits")
        _settle(world, {}, mends=True)


def _reconcile(world: World) -> None:
    world.scheduler.now += _GRACE
    world.start_reconcile()
    _settle(world, {})


def _settle(world: World, redriven: dict[tuple[str, str, int], int], *, mends: bool = False) -> None:
    rounds = settled = 0
    while rounds < _MOST_ROUNDS or rounds < _MOST_ROUNDS + _tries(world):
        rounds, settled = (rounds + 1, settled) if settled == len(world.log.settled) else (0, len(world.log.settled))
        _until_idle(world)
        if not world.log.breaches:
            check_prompt(world)
        if world.log.breaches:
            return
        # Each time: a pause may have been long on its way.
        for hook in list(world.table.ledger.pauses()):
            world.table.ledger.resume(hook)
        if mends:
            _let_go_on(world, redriven)
        due = _next_due(world)
        if due is None and mends and _open(world):
            # A machine whose clock was ahead put it aside: until then nobody may touch it.
            due = world.scheduler.now + _LOOK_AGAIN
        if due is None:
            return
        world.scheduler.now = max(world.scheduler.now, due)
        world.start_sweep()
    world.log.breach(4, f"it does not become quiet: {', '.join(map(_told, _open(world)))}")


def _tries(world: World) -> int:
    """How often hooks may fail before anything is settled: each entity as often as its most patient hook is tried."""
    return sum(_most_attempts(world.definition(kind)) for kind, _ in world.table.entity_keys())


def _most_attempts(definition: Definition) -> int:
    return max(((use.retry or DEFAULT_RETRY).attempts for uses in definition.uses.values() for use in uses), default=0)


def _until_idle(world: World) -> None:
    """Lets everybody end, and the stream be delivered."""
    scheduler = world.scheduler
    last = scheduler.steps + _MOST_STEPS
    while not world.log.breaches:
        world.stream.run()
        if scheduler.step():
            if scheduler.steps > last:
                world.log.breach(4, "it goes on for ever")
            continue
        times = list(scheduler.wakes())
        stream_at = world.stream.next_at()
        if stream_at is not None:
            times.append(stream_at)
        if not times:
            return
        scheduler.now = max(scheduler.now, min(times))


def _open(world: World) -> list[LedgerEntry]:
    # What somebody wrote to by hand may wait for ever: its history does not lead on.
    keys = [key for key in world.table.entity_keys() if key not in world.log.tainted]
    return [entry for key in keys for entry in world.table.ledger.entries(*key) if entry.parked]


def _next_due(world: World) -> int | None:
    """When the next of what was put aside, or of the timers, is due; None if nothing is."""
    times = [entry.parked.next_at for entry in _open(world) if entry.parked and entry.parked.next_at]
    horizon = world.runtime.clock.now().timestamp() + 60
    timers = [timer.at for key in world.table.entity_keys() if (timer := world.table.timer(key)) and not timer.refused]
    lanes = _lanes_due(world)
    moments = [*times, *lanes.values(), *(at for at in timers if at.timestamp() <= horizon)]
    if not moments:
        return None
    for lane, at in lanes.items():
        if at <= min(moments) + _SECOND and world.lane_watch:
            world.lane_watch.looks_at_rest[_as_it_is(world, lane)] += 1
    return int((min(moments) - START).total_seconds() * SECOND) + SECOND


def _lanes_due(world: World) -> dict[LaneKey, datetime]:
    """When sweepers look at those lanes that they have not looked at twice as they are now: while somebody waits, they
    look for ever."""
    return {
        watched.lane: watched.at
        for watched in world.table.watched()
        if world.lane_watch and world.lane_watch.looks_at_rest[_as_it_is(world, watched.lane)] < _LANE_LOOKS
    }


def _as_it_is(world: World, lane: LaneKey) -> str:
    state = world.table.lane(lane, waiting=len(world.table.entity_keys()))
    versions = [world.table.version((lane.kind, row.entity_id)) for row in state.waiting]
    return f"{lane} {world.is_mended} {state.running} {state.waiting} {versions}"


def _let_go_on(world: World, redriven: dict[tuple[str, str, int], int]) -> None:
    for entry in _open(world):
        if entry.parked and entry.parked.next_at is None:
            times = redriven[entry[:3]] = redriven.get(entry[:3], 0) + 1
            if times <= _REDRIVES:
                world.tell_of("people", f"redrive {entry}")
                _as_person(world, partial(redrive, world.runtime, entry))
            else:
                hook = entry.first_open
                world.tell_of("people", f"skip {hook!r} of {entry}")
                world.log.skipped.add(f"{entry.kind}#{entry.entity_id}#{entry.version}#{hook}")
                _as_person(world, partial(skip, world.runtime, entry, "it will never do"))


def _as_person(world: World, work: Callable[[], object]) -> None:
    def act() -> None:
        try:
            work()
        except EffectNotParkedError as error:
            world.tell(f"is told: {error}")

    world.scheduler.spawn("person", act)
    _until_idle(world)


def _told(entry: LedgerEntry) -> str:
    return f"{entry}: {entry.parked}"
