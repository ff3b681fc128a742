"""What must hold at the moment a hook starts: its turn has come, and it is shown the entity as its event left it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workflow.engine.events import FoldError, fold
from workflow.runtime.effect import Effect

if TYPE_CHECKING:
    from workflow.testing.simulation.world import World


def check_start(world: World, effect: Effect) -> None:
    """Notes a breach if the effect may not start now."""
    key = (effect.kind, effect.id)
    event = world.table.event(key, effect.version)
    if event is None:
        world.log.breach(7, f"{effect.key} runs, and the history has no event {effect.version}")
        return
    if key in world.log.tainted:
        return
    owed = world.owed(event)
    if effect.hook not in owed:
        world.log.breach(4, f"{effect.key} runs, and {event} does not owe it but {', '.join(owed) or 'nothing'}")
        return
    _check_turn(world, effect, owed)
    _check_what_is_shown(world, effect)


def _check_turn(world: World, effect: Effect, owed: tuple[str, ...]) -> None:
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
