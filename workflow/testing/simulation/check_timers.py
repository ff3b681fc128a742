"""Timers: each fires once, not before its time, only for the stay that set it, and is never forgotten."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

from workflow.testing.simulation.log import Key
from workflow.testing.simulation.world import World

_LATE = timedelta(minutes=5)


def check_timers(world: World, key: Key) -> None:
    """Notes a breach for each timer of the entity that fired wrongly, or did not."""
    _check_fired(world, key)
    entity = world.table.entity(key)
    state = world.definition(key[0]).states.get(entity.state) if entity else None
    if entity is None or state is None or not state.timers:
        return
    timer, now = world.table.timer(key), world.runtime.clock.now()
    if timer is None or timer.version != entity.version:
        world.log.breach(10, f"{entity!r} stays in a state with timers, and what is set is {timer}")
    elif not timer.refused and timer.at < now - _LATE:
        world.log.breach(4, f"{timer} is due, and nobody fires it")
    elif timer.at not in {entity.changed_at + timedelta(seconds=each.after_seconds) for each in state.timers}:
        world.log.breach(4, f"{timer} is none of those of {entity!r}")


def _check_fired(world: World, key: Key) -> None:
    history = world.table.history(key)
    skew = timedelta(microseconds=max(world.profile.skews) - min(world.profile.skews))
    for before, event in pairwise(history):
        if event.by != "timer":
            continue
        timers = world.definition(key[0]).states[event.source].timers
        stayed = event.at - before.at
        if not any(t.trigger == event.trigger and stayed + skew >= timedelta(seconds=t.after_seconds) for t in timers):
            world.log.breach(4, f"{event!r} was fired by a timer {stayed} after {before!r}")
