"""Promise 4, when nothing moves any more: every owed effect is settled once, and with it what it fires."""

from __future__ import annotations

from collections import Counter

from workflow.definition.definition import Fire, HookUse
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
            if use.fire is not None:
                _check_fired_elsewhere(world, event, use.fire, use.hook, entry.outcomes[use.hook])
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


def _check_fired_elsewhere(world: World, event: Event, fire: Fire, hook: str, outcome: Outcome) -> None:
    """What is declared to be fired stands once in each history that it is for, and in none where the ledger says so."""
    cause = f"{event.kind}#{event.entity_id}#{event.version}#{hook}"
    keys = [key for key in world.table.entity_keys() if key[0] == fire.kind]
    events = [one for key in keys for one in world.table.history(key) if one.cause == cause and one.request_id]
    fired = Counter(one.entity_id for one in events if one.trigger == fire.trigger)
    if len(fired) != len(events):
        world.log.breach(
            1, f"{cause} has fired {[(one.entity_id, one.trigger) for one in events]}: once each, and that"
        )
    if outcome.status == "done" and bool(fired) != (not outcome.note) and " refused: " not in outcome.note:
        world.log.breach(10, f"{cause} is done ({outcome.note}), and has fired on {list(fired)}")
