"""Promise 4 for transitions that compensate: what was done is undone once, the last first, and nothing else is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from workflow.definition.undo_names import undo_name, undone_effect
from workflow.engine.events import Event
from workflow.testing.simulation.log import Key
from workflow.testing.simulation.world import World


class _Done(NamedTuple):
    """An effect that can be undone: what undoes it, and whether that must be, or only may be since nobody was told
    that its run ended well."""

    undo: str
    must: bool


def check_undos(world: World, key: Key) -> None:
    """Notes a breach for each event that compensates and undoes other effects than those done and not yet undone."""
    settled = {(one.version, one.hook): one.status for one in world.log.settled if one.key == key}
    undone: set[str] = set()
    done: list[_Done] = []
    for event in world.table.history(key):
        entry = world.table.ledger.find(*key, event.version)
        if entry and world.compensates(event):
            found = [name for name in entry.outcomes if undone_effect(name)[1]]
            _check(world, event, found, [one for one in reversed(done) if one.undo not in undone])
            undone.update(found)
        done += _done(world, event, settled)


def _done(world: World, event: Event, settled: dict[tuple[int, str], str]) -> Iterator[_Done]:
    for use in world.uses(event):
        key = f"{event.kind}#{event.entity_id}#{event.version}#{use.hook}"
        must = settled.get((event.version, use.hook)) == "done"
        if use.undo and (must or key in world.log.well or key in world.log.probed):
            yield _Done(undo_name(use.undo.hook, event.version, use.hook), must)


def _check(world: World, event: Event, found: list[str], done: list[_Done]) -> None:
    for undo, must in done:
        if must and undo not in found:
            world.log.breach(4, f"{event!r} compensates, and does not owe {undo!r}")
    known = [one.undo for one in done]
    for name in found:
        if name not in known:
            world.log.breach(4, f"{event!r} owes {name!r}, and that was not done, or was undone before")
    if [name for name in known if name in found] != [name for name in found if name in known]:
        world.log.breach(4, f"{event!r} undoes {', '.join(found)}, and not the last first")
