"""Promises 1, 2, 3, 8 and 10: what the history holds is what was answered, and follows from itself."""

from __future__ import annotations

from collections import Counter

from workflow.definition.definition import CREATE
from workflow.engine.decide import Command, decide, decide_creation
from workflow.engine.entity import Entity
from workflow.engine.events import Event, FoldError, fold
from workflow.errors import CreateError, EntityNotFoundError, PayloadError, Refused, TransitionError
from workflow.testing.simulation.log import Call, Key
from workflow.testing.simulation.world import World


def check_answers(world: World) -> None:
    """Promise 1: accepted is in the history once, refused is not; the same request id, the same answer."""
    by_sender: Counter[str] = Counter()
    answers: dict[int, tuple[str, int]] = {}
    for key in world.table.entity_keys():
        by_sender.update(event.by for event in world.table.history(key))
    for call in world.log.calls:
        if (call.ask.kind, call.ask.entity_id) in world.log.tainted:
            continue
        _check_answer(world, call, by_sender[call.ask.by])
        if call.event is not None:
            told = (call.event.id, call.event.version)
            if answers.setdefault(call.command, told) != told:
                world.log.breach(1, f"{call.ask} was answered {answers[call.command]}, and then {told}")
    _check_requests(world)


def _check_answer(world: World, call: Call, times: int) -> None:
    log, ask = world.log, call.ask
    if call.answer == "accepted":
        _check_accepted(world, call)
    elif call.answer in ("refused", "not written") and times:
        log.breach(1, f"{ask} (by {ask.by}) was answered {call.error!r}, and is in the history")
    elif times > 1:
        log.breach(1, f"{ask} (by {ask.by}) is in the history {times} times")
    if call.answer == "refused":
        _check_refusal(world, call)


def _check_accepted(world: World, call: Call) -> None:
    ask, event = call.ask, call.event
    assert event is not None
    found = [e for e in world.table.history((ask.kind, ask.entity_id)) if e.id == event.id]
    if found != [event]:
        world.log.breach(1, f"{ask} was answered with {event!r}; the history has of that {found}")
    if call.entity != _folded(world, (ask.kind, ask.entity_id), event.version):
        world.log.breach(2, f"{ask} was answered with {call.entity!r}, which is not what its events make")
    if event.request_id != ask.request_id or event.trigger != ask.trigger:
        world.log.breach(1, f"{ask} was answered with somebody else's event: {event!r}")


def _check_requests(world: World) -> None:
    """Promises 1 and 10: a request item for each event that was asked for under an id, and for nothing else."""
    items = world.table.request_items()
    expected: dict[tuple[str, str, str], tuple[int, str]] = {}
    for key in world.table.entity_keys():
        for event in world.table.history(key):
            if not event.request_id:
                continue
            place = (*key, event.request_id)
            if place in expected and key not in world.log.tainted:
                world.log.breach(1, f"{' '.join(place)} was accepted twice, as {expected[place]} and as {event!r}")
            expected[place] = (event.version, event.id)
    if items != expected and not world.log.tainted:
        world.log.breach(10, f"request items are {items}; the history makes them {expected}")


def _check_refusal(world: World, call: Call) -> None:
    """A refusal was right at some moment between question and answer."""
    if not isinstance(call.error, CreateError | TransitionError | EntityNotFoundError | PayloadError):
        return
    key = (call.ask.kind, call.ask.entity_id)
    _check_echo(world, call, key)
    versions = range(call.first_version, call.last_version + 1)
    if not any(_refuses(world, call, _folded(world, key, version)) for version in versions):
        world.log.breach(1, f"{call.ask} was refused with {call.error}; at no time since it was asked was that so")


def _check_echo(world: World, call: Call, key: Key) -> None:
    """Who asks again under the id of what was accepted is told so, whatever has become of the entity since."""
    if call.ask.request_id and isinstance(call.error, CreateError | TransitionError):
        for event in world.table.history(key)[: call.first_version]:
            if event.request_id == call.ask.request_id:
                world.log.breach(1, f"{call.ask} was refused with {call.error}; its request id became {event!r} before")


def _refuses(world: World, call: Call, entity: Entity | None) -> bool:
    ask = call.ask
    command = Command(ask.trigger, ask.payload, "id", ask.by, ask.request_id)
    now = world.runtime.clock.now()
    if ask.trigger == CREATE:
        refused = isinstance(decide_creation(world.definition(ask.kind), ask.entity_id, command, now), Refused)
        return refused or entity is not None
    if entity is None:
        return True
    return isinstance(decide(world.runtime.machine(ask.kind), entity, command, now), Refused)


def _folded(world: World, key: Key, version: int) -> Entity | None:
    try:
        return fold(world.table.history(key)[:version])
    except FoldError:
        return None


def check_history(world: World, key: Key) -> None:
    """Promises 2, 3 and 8 of one entity."""
    history, log, name = world.table.history(key), world.log, " ".join(key)
    if [event.version for event in history] != list(range(1, len(history) + 1)):
        log.breach(2, f"{name} has the versions {[event.version for event in history]}")
        return
    try:
        folded = fold(history)
    except FoldError as error:
        log.breach(2, str(error))
        return
    entity = world.table.entity(key)
    if key in log.moved and entity and folded:
        # What mends a lane makes no event.
        entity, folded = entity._replace(place=None), folded._replace(place=None)
    if folded != entity:
        log.breach(2, f"{name} is {entity}, and its events make it {folded}")
    owing = 0
    for event in history:
        owing = _check_event(world, event, owing)


def _check_event(world: World, event: Event, owing: int) -> int:
    log = world.log
    definition = world.scenario.definitions.find(event.kind, event.definition)
    if definition is None or (event.trigger, event.source, event.target) not in definition.edges:
        log.breach(3, f"{event!r} is not declared")
    owing = event.version if world.owed(event) else owing
    if event.owing != owing:
        log.breach(4, f"{event!r} says that version {event.owing} owes effects last; it is {owing}")
    if event.depth > world.runtime.max_depth:
        log.breach(8, f"{event!r} is effect number {event.depth} in a row; at most {world.runtime.max_depth}")
    if event.cause and event.depth != _depth_of(world, event.cause) + 1:
        log.breach(8, f"{event!r} has depth {event.depth}, and comes from {event.cause}")
    return owing


def _depth_of(world: World, cause: str) -> int:
    key, _, _ = cause.rpartition("#")
    key, _, version = key.rpartition("#")
    kind, _, entity_id = key.partition("#")
    event = world.table.event((kind, entity_id), int(version))
    return event.depth if event else -1
