"""Promise 4, when nothing moves any more: every owed effect is settled once, and with it what it fires."""

from __future__ import annotations

from workflow.definition.definition import HookUse
from workflow.engine.events import Event
from workflow.runtime.ledger_entry import Outcome
from workflow.testing.simulation.log import Key
from workflow.testing.simulation.world import World


def check_effects(world: World, key: Key) -> None:
    """Notes a breach for each effect that is not settled as it should be, and for entries that nothing owes."""
    entries = {entry.version: entry for entry in world.table.ledger.entries(*key)}
    for event in world.table.history(key):
        owed = world.owed(event)
        entry = entries.pop(event.version, None)
        if not owed and entry is None:
            continue
        if entry is None or tuple(entry.outcomes) != owed or not entry.settled or entry.parked:
            world.log.breach(
                4, f"{event!r} owes {', '.join(owed) or 'nothing'}; in the end its entry is {entry}: {entry!r}"
            )
            continue
        for use in world.uses(event):
            _check_fired(world, event, use, entry.outcomes[use.hook])
    for entry in entries.values():
        world.log.breach(4, f"{entry} are in the ledger, and the history has no such event")
    _check_settled_once(world, key)


def _check_settled_once(world: World, key: Key) -> None:
    seen: dict[tuple[int, str], int] = {}
    for settled in world.log.settled:
        if settled.key == key:
            place = (settled.version, settled.hook)
            seen[place] = seen.get(place, 0) + 1
    for (version, hook), times in seen.items():
        if times != 1:
            world.log.breach(4, f"{hook!r} of {' '.join(key)} v{version} was committed {times} times")


def _check_fired(world: World, event: Event, use: HookUse, outcome: Outcome) -> None:
    """What `then` and `catch` fire stands in the history exactly if the ledger says so."""
    expected = ""
    if outcome.status == "done" and use.then and " was refused: " not in outcome.note:
        expected = use.then
    elif outcome.status == "caught":
        expected = outcome.note.removeprefix("caught by ").strip("'")
    cause = f"{event.kind}#{event.entity_id}#{event.version}#{use.hook}"
    # What the hook fires by itself carries a request id.
    fired = [
        e.trigger for e in world.table.history((event.kind, event.entity_id)) if e.cause == cause and not e.request_id
    ]
    if fired != ([expected] if expected else []):
        world.log.breach(10, f"{cause} is {outcome.status} ({outcome.note}), and has fired {fired}")
