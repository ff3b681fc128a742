"""One schedule from beginning to end: an eventful time, then peace until nothing moves, then the checker."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from workflow.testing.simulation.checker import check
from workflow.testing.simulation.clients import Client, Command, commands_by_fate, rushes_by_fate
from workflow.testing.simulation.fate import Fate
from workflow.testing.simulation.hook_runs import HookRuns, place_in
from workflow.testing.simulation.log import OWN_CHECK, Breach
from workflow.testing.simulation.quiet import bring_to_rest
from workflow.testing.simulation.scenario import Scenario
from workflow.testing.simulation.scheduler import SECOND, Actor
from workflow.testing.simulation.story import Story
from workflow.testing.simulation.world import World

MOST_STEPS = 20_000
_SWEEP_EVERY = 60 * SECOND
_FEWEST, _MOST = 2, 7
"""Commands of one client."""


@dataclass(frozen=True)
class Outcome:
    """What became of a schedule. `choices` replays it; `places` says what happens at each I/O point, if a plan was
    given, from point 1 on; `hooks` says how the user's own fared. `lane_starts` are the starts in lanes, `schedulers`
    the most who were at it at the same moment."""

    choices: Sequence[int]
    breaches: Sequence[Breach]
    points: int
    effects: int
    events: int
    faults: Counter[str]
    lines: Sequence[str]
    places: Sequence[str]
    hooks: Mapping[str, HookRuns] = field(default_factory=dict)
    lane_starts: int = 0
    schedulers: int = 0


def run_schedule(
    scenario: Scenario, fate: Fate, *, plan: Mapping[int, str] | None = None, telling: bool = False
) -> Outcome:
    """Plays one schedule; with a plan, the faults are those of the plan, by the number of the I/O point (from 1)."""
    return play(World(scenario, fate, Story(telling), plan))


def play(world: World) -> Outcome:
    """Plays the schedule of a world from its beginning to its end."""
    if world.scenario.before_each is not None:
        world.scenario.before_each()
    try:
        _eventful(world)
        if not world.log.breaches:
            bring_to_rest(world)
        if not world.log.breaches:
            check(world)
        if not world.log.breaches:
            _check_own(world)
    finally:
        world.scheduler.end()
    return Outcome(
        world.fate.choices,
        world.log.breaches,
        world.points,
        len(world.log.settled),
        len(world.log.committed_at),
        world.log.faults,
        world.story.lines(),
        world.places,
        world.log.hooks,
        *((watch.starts, watch.schedulers.most) if (watch := world.lane_watch) else ()),
    )


def _check_own(world: World) -> None:
    own, of_records = world.scenario.check, world.scenario.check_records
    if own is not None:
        _check_by(world, own, own)
    if of_records is not None:
        records, keys = world.table.records, world.table.entity_keys()
        kept = [records.of(*key) for key in keys if key not in world.log.tainted]
        _check_by(world, of_records, partial(of_records, kept))


def _check_by(world: World, own: Callable[..., None], check: Callable[[], None]) -> None:
    try:
        check()
    except AssertionError as error:
        # A bare `assert` says nothing but where it stands.
        world.log.breach(OWN_CHECK, f"{error or type(error).__name__} ({place_in(own, error)})".strip())


def _eventful(world: World) -> None:
    scheduler, fate = world.scheduler, world.fate
    clients = _clients(world)
    next_sweep = _SWEEP_EVERY
    while _has_more(clients):
        if world.log.breaches or scheduler.steps > MOST_STEPS:
            return
        if scheduler.now >= next_sweep:
            next_sweep = scheduler.now + _SWEEP_EVERY
            for _ in range(1 + fate.happens(5)):
                world.start_sweep()
        world.stream.run()
        if not scheduler.step():
            scheduler.now = max(scheduler.now, _next_moment(world, next_sweep))


def _has_more(clients: list[Actor]) -> bool:
    # Asked at every step, so those that are over are asked once.
    while clients and clients[-1].is_over:
        clients.pop()
    return bool(clients)


def _next_moment(world: World, next_sweep: int) -> int:
    stream_at = world.stream.next_at()
    times = [*world.scheduler.wakes(), next_sweep]
    return min(times if stream_at is None else [*times, stream_at])


def _clients(world: World) -> list[Actor]:
    scripts = world.scenario.scripts
    if scripts is not None:
        return [_client(world, number, script) for number, script in enumerate(scripts, 1)]
    counts = [_FEWEST + world.fate.choose(_MOST - _FEWEST + 1) for _ in range(world.profile.clients)]
    clients = [_client(world, number, commands_by_fate(world, count)) for number, count in enumerate(counts, 1)]
    if world.is_crowded:
        clients += [_client(world, len(counts) + 1, rushes_by_fate(world))]
    return clients


def _client(world: World, number: int, commands: Iterable[Command]) -> Actor:
    name = f"client {number}"
    return world.scheduler.spawn(name, partial(Client(world, name).run, commands))
