"""What must hold at the moment a hook starts: its turn has come, and it is shown the entity as its event left it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

from workflow.definition.undo_names import hook_of
from workflow.engine.events import Event, FoldError, fold
from workflow.runtime.effect import Effect

if TYPE_CHECKING:
    from workflow.testing.simulation.world import World

_PAUSE_IS_KNOWN = timedelta(seconds=80)
"""A process asks every ten seconds, and an invocation that began before may go on for a minute."""


class Starting(Protocol):
    """The effect that starts: which one it is."""

    @property
    def key(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def id(self) -> str: ...
    @property
    def version(self) -> int: ...
    @property
    def hook(self) -> str: ...


def check_start(world: World, effect: Effect) -> None:
    """Notes a breach if the effect may not start now, or is shown another entity than its event left."""
    if may_start(world, effect):
        _check_what_is_shown(world, effect)


def may_start(world: World, effect: Starting) -> bool:
    """Whether the entity's history owes the effect; notes a breach if it does not, or if its turn has not come."""
    key = (effect.kind, effect.id)
    event = world.table.event(key, effect.version)
    if event is None:
        world.log.breach(7, f"{effect.key} runs, and the history has no event {effect.version}")
        return False
    if key in world.log.tainted:
        return False
    owed = world.owed(event)
    if effect.hook not in owed:
        world.log.breach(4, f"{effect.key} runs, and {event} does not owe it but {', '.join(owed) or 'nothing'}")
        return False
    _check_turn(world, effect, owed)
    _check_alone(world, effect, event)
    _check_not_paused(world, effect)
    return True


def _check_turn(world: World, effect: Starting, owed: tuple[str, ...]) -> None:
    log, key = world.log, (effect.kind, effect.id)
    for earlier in world.table.history(key)[: effect.version - 1]:
        entry = world.table.ledger.find(*key, earlier.version)
        if world.owed(earlier) and (entry is None or not entry.settled):
            log.breach(5, f"{effect.key} starts, and version {earlier.version} is not settled: {_stands(entry)}")
    entry = world.table.ledger.find(*key, effect.version)
    if entry is None:
        log.breach(4, f"{effect.key} starts, and nobody claimed it")
        return
    before = [hook for hook in owed[: owed.index(effect.hook)] if not entry.outcomes[hook].settled]
    if before:
        log.breach(5, f"{effect.key} starts, and {before[0]!r} comes first: {_stands(entry)}")
    elif entry.outcomes[effect.hook].settled and world.profile.keeps_time:
        log.breach(4, f"{effect.key} starts, and is settled already: {_stands(entry)}")


def _check_alone(world: World, effect: Starting, event: Event) -> None:
    """Nobody else is at it who still may be, and what was cut off waits as its `on_unknown` says."""
    others = [
        actor
        for actor in world.running.get((effect.kind, effect.id), [])
        if not actor.crashed and world.scheduler.now < actor.ends_at
    ]
    if others and world.profile.keeps_time:
        world.log.breach(4, f"{effect.key} starts, and {others[0].name} is at the effects of the same entity, in time")
    use = world.use(event, effect.hook)
    if use.on_unknown != "retry" and effect.key in world.log.cut_off:
        world.log.breach(
            4, f"{effect.key} starts again; nobody knows whether its last run happened: on_unknown is {use.on_unknown}"
        )


def _check_not_paused(world: World, effect: Starting) -> None:
    """A pause is known everywhere by now, where nothing hides it."""
    pause = world.table.ledger.pauses().get(hook_of(effect.hook))
    if pause is not None and world.profile.is_fair and world.runtime.clock.now() - pause.since > _PAUSE_IS_KNOWN:
        world.log.breach(4, f"{effect.key} starts, and {effect.hook!r} is paused since {pause.since:%H:%M:%S}")


def _check_what_is_shown(world: World, effect: Effect) -> None:
    history = world.table.history((effect.kind, effect.id))
    try:
        before = fold(history[: effect.version - 1])
        after = fold(history[effect.version - 1 : effect.version], before)
    except FoldError:
        return
    if effect.entity != after or effect.before != before:
        world.log.breach(5, f"{effect.key} is shown {effect.entity!r} after {effect.before!r}, not {after!r}")


def _stands(entry: object) -> str:
    outcomes = getattr(entry, "outcomes", None)
    return "it has no entry" if outcomes is None else str({hook: outcome.status for hook, outcome in outcomes.items()})
