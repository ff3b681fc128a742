"""What was published, when nothing moves any more: every owed message at least once, in order, always the same."""

from __future__ import annotations

from workflow.testing.simulation.log import Key
from workflow.testing.simulation.publisher import Arrived
from workflow.testing.simulation.world import World


def check_published(world: World, key: Key) -> None:
    """Notes a breach for each message of the entity that is owed and never arrived, came before its turn, or changed
    from one time to the next."""
    arrived: dict[str, Arrived] = {}
    for one in world.log.published:
        if (one.owed.kind, one.owed.id) == key and arrived.setdefault(one.owed.key, one).message != one.message:
            world.log.breach(4, f"{one.owed.key} was published in two forms, under one key")
    _check_all_arrived(world, key, arrived)
    skipped = any(effect.startswith(f"{key[0]}#{key[1]}#") for effect in world.log.skipped)
    if not skipped:
        _check_order(world, arrived)


def _check_all_arrived(world: World, key: Key, arrived: dict[str, Arrived]) -> None:
    entries = {entry.version: entry for entry in world.table.ledger.entries(*key)}
    for event in world.table.history(key):
        entry = entries.get(event.version)
        for use in world.uses(event):
            effect = f"{key[0]}#{key[1]}#{event.version}#{use.hook}"
            done = entry is not None and entry.outcomes[use.hook].status == "done"
            if use.publish is not None and done and effect not in arrived:
                world.log.breach(4, f"{effect} is done, and nothing was published")


def _check_order(world: World, arrived: dict[str, Arrived]) -> None:
    """Of each target: whoever reads it sees the versions rise, but for what comes again."""
    last: dict[object, Arrived] = {}
    for one in arrived.values():
        before = last.get(one.target)
        if before is not None and one.owed.version < before.owed.version:
            world.log.breach(5, f"{one.owed.key} was published after {before.owed.key}")
        last[one.target] = one
