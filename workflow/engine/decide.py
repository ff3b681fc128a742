"""The heart: given an entity and what is asked of it, an event or a refusal. No I/O, no clock, no callbacks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from workflow.definition.definition import CREATE, Definition, Field
from workflow.definition.expressions import Expression, ExpressionError, Seen
from workflow.definition.fields import fit
from workflow.definition.suggestions import find_closest
from workflow.definition.values import UnfitValueError, UnstorableValueError, Value, canonical
from workflow.engine.entity import Entity
from workflow.engine.events import Event
from workflow.engine.machine import BrokenGuardError, Machine, UnknownGuardError, Way
from workflow.errors import GuardError, PayloadError, Refused, TransitionError


@dataclass(frozen=True, slots=True)
class Command:
    """What is asked: a trigger with its payload (for a creation: the data), and who asks under which ids; `home` is
    where an entity that it creates is at home."""

    trigger: str
    payload: Mapping[str, object] = field(repr=False)
    event_id: str
    by: str = ""
    request_id: str = ""
    cause: str = ""
    depth: int = 0
    trace: str = ""
    home: str = ""


def decide(machine: Machine, entity: Entity, command: Command, now: datetime) -> Event | Refused:
    """The event that the command makes of the entity, or why it is refused; the same answer for the same input."""
    ways = machine.ways(command.trigger, entity.state)
    if not ways:
        return _no_way(machine, entity, command)
    try:
        way, seen = _first_open(ways, machine.definition, entity, command.payload)
        if way is None:
            return _guarded(ways, machine, entity, command)
        changes = _changes(way, machine.definition, seen)
    except UnfitValueError as error:
        return PayloadError(f"{_subject(entity)}: {command.trigger!r}: {error}")
    except ExpressionError as error:
        return GuardError(f"{_subject(entity)}: {command.trigger!r}: {error}")
    except UnknownGuardError as error:
        return GuardError(
            f"{_subject(entity)}: {command.trigger!r} asks for the guard {error.args[0]!r}, which no handler "
            f"module registers; add it with @guard"
        )
    except BrokenGuardError as error:
        return _broken(entity, command, error)
    edge = (command.trigger, entity.state, way.dest)
    return Event(
        kind=entity.kind,
        entity_id=entity.id,
        version=entity.version + 1,
        id=command.event_id,
        trigger=command.trigger,
        source=entity.state,
        target=way.dest,
        at=now,
        definition=machine.definition.version,
        payload=seen["payload"],
        changes=changes,
        by=command.by,
        request_id=command.request_id,
        cause=command.cause,
        depth=command.depth,
        owing=entity.version + 1 if machine.definition.edges.get(edge) else entity.owing,
        trace=command.trace,
    )


def decide_creation(definition: Definition, entity_id: str, command: Command, now: datetime) -> Event | Refused:
    """The first event of an entity, or a PayloadError that lists everything wrong with its data."""
    try:
        data = _new_data(definition, command.payload)
    except UnfitValueError as error:
        return PayloadError(f"{definition.kind} {entity_id}: {error}")
    return Event(
        kind=definition.kind,
        entity_id=entity_id,
        version=1,
        id=command.event_id,
        trigger=CREATE,
        source="",
        target=definition.initial,
        at=now,
        definition=definition.version,
        payload=data,
        changes=data,
        by=command.by,
        request_id=command.request_id,
        cause=command.cause,
        depth=command.depth,
        owing=1 if definition.edges[(CREATE, "", definition.initial)] else 0,
        trace=command.trace,
        home=command.home,
    )


def _subject(entity: Entity) -> str:
    return f"{entity.kind} {entity.id}"


def _no_way(machine: Machine, entity: Entity, command: Command) -> Refused:
    allowed = machine.triggers_from(entity.state)
    if entity.state not in machine.definition.states:
        return TransitionError(
            f"{_subject(entity)}: its state {entity.state!r} (version {entity.version}) is not in version "
            f"{machine.definition.version} of the definition; declare it there, with a way out"
        )
    return TransitionError(
        f"{_subject(entity)}: no transition {command.trigger!r} from {entity.state!r} "
        f"(version {entity.version}); from here: {', '.join(allowed) or 'nothing, the state is final'}",
        allowed=allowed,
    )


def _guarded(ways: list[Way], machine: Machine, entity: Entity, command: Command) -> Refused:
    guards = " or ".join(str(way.declared.guard) for way in ways)
    allowed = machine.triggers_from(entity.state)
    return GuardError(
        f"{_subject(entity)}: {command.trigger!r} from {entity.state!r} (version {entity.version}) needs: {guards}",
        allowed=allowed,
    )


def _broken(entity: Entity, command: Command, error: BrokenGuardError) -> Refused:
    # Its own words stay out of the refusal: they may quote what it saw.
    refusal = GuardError(
        f"{_subject(entity)}: {command.trigger!r}: the guard {error.args[0]!r} failed: {type(error.__cause__).__name__}"
    )
    refusal.__cause__ = error.__cause__
    return refusal


def _first_open(
    ways: list[Way], definition: Definition, entity: Entity, given: Mapping[str, object]
) -> tuple[Way | None, Seen]:
    """The first way whose required payload is there and whose guard holds, with what the guard saw."""
    canonical_payload = _canonical_payload(definition, given)
    problems: list[str] = []
    for way in ways:
        payload = dict(canonical_payload) if len(ways) > 1 else canonical_payload
        unfit = _fit_all(way.declared.requires.values(), payload, "payload")
        if unfit:
            problems += [problem for problem in unfit if problem not in problems]
            continue
        seen = {"payload": payload, "data": entity.data, "entity": _seen(entity)}
        if way.guard is None or way.guard(seen):
            return way, seen
    if problems:
        raise UnfitValueError("; ".join(problems))
    return None, {}


def _canonical_payload(definition: Definition, given: Mapping[str, object]) -> dict[str, Value]:
    if not isinstance(given, Mapping):
        raise UnfitValueError("the payload must be a map of names to values")
    try:
        payload: dict[str, Value] = canonical(given, "payload")
    except UnstorableValueError as error:
        raise error.without_path_below(*(f"payload.{name}" for name in definition.sensitive)) from None
    return payload


def _seen(entity: Entity) -> dict[str, Value]:
    return {"kind": entity.kind, "id": entity.id, "state": entity.state, "version": entity.version}


def _changes(way: Way, definition: Definition, seen: Seen) -> dict[str, Value]:
    """What the transition sets: each field from its mapping, or from the payload field of its name if that is there."""
    changes: dict[str, Value] = {}
    problems: list[str] = []
    payload = seen["payload"]
    for name, mapping in way.mappings.items():
        if mapping is None and name not in payload:
            continue
        value = payload[name] if mapping is None else mapping.evaluate(seen)
        try:
            changes[name] = fit(definition.data[name], value, f"data.{name}")
        except UnfitValueError as error:
            lacking = _lacking(mapping, payload) if mapping and value is None else []
            problems += [problem for problem in lacking or [str(error)] if problem not in problems]
    if problems:
        raise UnfitValueError("; ".join(problems))
    return changes


def _lacking(mapping: Expression, payload: Mapping[str, Value]) -> list[str]:
    """What the payload should have held for a mapping that gave null, if it reads nothing else; one sentence each."""
    paths = sorted(mapping.paths())
    given = any(len(path) < 2 or path[0] != "payload" or path[1] in payload for path in paths)
    return [] if given else [f"payload.{path[1]} is missing" for path in paths]


def _new_data(definition: Definition, given: Mapping[str, object]) -> dict[str, Value]:
    if not isinstance(given, Mapping):
        raise UnfitValueError("the data must be a map of names to values")
    unknown = [str(name) for name in given if name not in definition.data]
    problems = [_undeclared(name, definition) for name in unknown]
    data: dict[str, Value] = {name: value for name, value in given.items() if name in definition.data}
    for name, declared in definition.data.items():
        if name not in data and declared.default is not None:
            data[name] = declared.default
    problems += _fit_all(definition.data.values(), data, "data")
    if problems:
        declared_names = ", ".join(definition.data) or "no fields"
        raise UnfitValueError("; ".join(problems) + f"; declared: {declared_names}")
    return {name: value for name, value in data.items() if value is not None}


def _undeclared(name: str, definition: Definition) -> str:
    meant = find_closest(name, definition.data)
    return f"data.{name} is not declared" + (f" (did you mean {meant!r}?)" if meant else "")


def _fit_all(fields: Iterable[Field], values: dict[str, Value], where: str) -> list[str]:
    """Fits the values in place; what does not fit or is missing is returned, one sentence each."""
    problems = []
    for declared in fields:
        if declared.name not in values:
            if not declared.optional:
                problems.append(f"{where}.{declared.name} is missing")
            continue
        try:
            values[declared.name] = fit(declared, values[declared.name], f"{where}.{declared.name}")
        except UnfitValueError as error:
            problems.append(str(error))
    return problems
