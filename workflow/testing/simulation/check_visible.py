"""While hooks are still broken: what is open waits where a person finds it, or goes on by itself at a known time."""

from __future__ import annotations

from workflow.testing.simulation.log import Key
from workflow.testing.simulation.world import World


def check_visible(world: World) -> None:
    """Notes a breach of promise 4 for each owed effect that is neither settled nor behind one that is put aside."""
    for key in world.table.entity_keys():
        if key not in world.log.tainted:
            _check(world, key)


def _check(world: World, key: Key) -> None:
    aside = False
    for event in world.table.history(key):
        if not world.owed(event):
            continue
        entry = world.table.ledger.find(*key, event.version)
        aside = aside or bool(entry and entry.parked)
        if not aside and (entry is None or not entry.settled):
            stands = "nobody has begun them" if entry is None else f"they stand as {entry.outcomes}"
            world.log.breach(4, f"the effects of {' '.join(key)} v{event.version} are lost: {stands}, nothing is due")
