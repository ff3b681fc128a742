"""One schedule from beginning to end: an eventful time, then peace until nothing moves, then the checker."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from workflow.runtime.people import redrive, skip, resume
from workflow.errors import EffectNotParkedError
from workflow.testing.simulation.checker import check
from workflow.testing.simulation.clients import Client, commands_by_fate
from workflow.testing.simulation.fate import Fate
from workflow.testing.simulation.log import Breach
from workflow.testing.simulation.quiet import bring_to_rest
from workflow.testing.simulation.scenario import Scenario
from workflow.testing.simulation.scheduler import SECOND
from workflow.testing.simulation.story import Story
from workflow.testing.simulation.world import World

MOST_STEPS = 20_000
_SWEEP_EVERY = 60 * SECOND


@dataclass(frozen=True)
class Outcome:
    """What became of a schedule. `choices` replays it; `places` says what happens at each I/O point, if a plan was
    given, from point 1 on."""

    choices: Sequence[int]
    breaches: Sequence[Breach]
    points: int
    effects: int
    events: int
    faults: Counter[str]
    lines: Sequence[str]
    places: Sequence[str]


def run_schedule(
    scenario: Scenario, fate: Fate, *, plan: Mapping[int, str] | None = None, telling: bool = False
) -> Outcome:
    """Plays one schedule; with a plan, the faults are those of the plan, by the number of the I/O point (from 1)."""
    world = World(scenario, fate, Story(telling), plan)
    try:
        _eventful(world)
        if not world.log.breaches:
            bring_to_rest(world)
        if not world.log.breaches:
            check(world)
    finally:
        world.scheduler.end()
    return Outcome(
        fate.choices,
        world.log.breaches,
        world.points,
        len(world.log.settled),
        len(world.log.committed_at),
        world.log.faults,
        world.story.lines(),
        world.places,
    )


def _eventful(world: World) -> None:
    scheduler, fate = world.scheduler, world.fate
    clients = _clients(world)
    next_sweep = _SWEEP_EVERY
    while any(not client.is_over for client in clients) or fate.happens(0):
        if world.log.breaches or scheduler.steps > MOST_STEPS:
            return
        if scheduler.now >= next_sweep:
            next_sweep = scheduler.now + _SWEEP_EVERY
            for _ in range(1 + fate.happens(5)):
                world.start_sweep()
        world.stream.run()
        if not scheduler.step():
            scheduler.now = max(scheduler.now, _next_moment(world, next_sweep))


def _next_moment(world: World, next_sweep: int) -> int:
    stream_at = world.stream.next_at()
    times = [*world.scheduler.wakes(), next_sweep]
    return min(times if stream_at is None else [*times, stream_at])


def _clients(world: World):
    scenario, fate = world.scenario, world.fate
    made = []
    if scenario.scripts is not None:
        for number, script in enumerate(scenario.scripts, 1):
            client = Client(world, f"client {number}")
            made.append(world.scheduler.spawn(f"client {number}", lambda c=client, s=script: c.run(s)))
        return made
    for number in range(1, world.profile.clients + 1):
        client, count = Client(world, f"client {number}"), 2 + fate.choose(6)
        made.append(
            world.scheduler.spawn(
                f"client {number}", lambda c=client, n=count: c.run(commands_by_fate(world, n))
            )
        )
    return made
