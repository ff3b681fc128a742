"""From a line of an old system's archive to the history that it would have had here. Pure.

Nothing is believed that the definition would not have allowed: the line's steps are decided one by one, by the
definition in force and with its guards, as of the moments that the line gives.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import NamedTuple

from workflow.definition.archives.archive_map import COMMA, ArchiveMap, From, Step
from workflow.definition.definition import CREATE, Field
from workflow.definition.expressions import Expression, ExpressionError, Seen
from workflow.definition.values import UnfitValueError, Value
from workflow.engine.decide import Command, decide, decide_creation
from workflow.engine.entity import Entity
from workflow.engine.events import Event, evolve
from workflow.engine.machine import Machine
from workflow.errors import PayloadError, Refused
from workflow.runtime.archives.line import Kept, LineError, exact_json
from workflow.runtime.archives.moments import MomentError, Moments, moment_text
from workflow.runtime.ask import check_id

_ID_DIGITS = 24
_NUMBERS = ("integer", "decimal")


class _Happened(NamedTuple):
    """A step of one line: which of the map, what was fired, when, and with what."""

    number: int
    trigger: str
    at: datetime
    payload: Mapping[str, Value]


class LineMapping:
    """The expressions of one map, compiled once; safe from several threads."""

    def __init__(self, archive_map: ArchiveMap, machine: Machine, now: Callable[[], datetime]) -> None:
        self._map, self._machine, self._now = archive_map, machine, now
        self._definition = machine.definition
        self._by = f"archive:{archive_map.name}"
        self._moments = Moments(archive_map.times)
        self._expressions = {text: Expression(text) for text in archive_map.expressions()}
        self._fields = {name: self._fields_of(name) for name in {t.trigger for t in self._definition.transitions}}

    def _fields_of(self, trigger: str) -> Mapping[str, Field]:
        """What the payload of the trigger is made of, as far as it is declared."""
        fields: dict[str, Field] = {}
        for one in self._definition.transitions:
            if one.trigger == trigger:
                fields |= {name: self._definition.data[name] for name, text in one.sets.items() if text is None}
                fields |= one.requires
        return fields

    def read(self, line: Mapping[str, Value]) -> Kept:
        """The entity with its history; raises LineError, which quotes none of the line's values but the id."""
        seen: Seen = {"line": line, "step": None, "at": None}
        entity_id = self._text("id", self._map.id, seen)
        try:
            check_id(self._map.kind, entity_id)
            return self._live(entity_id, seen)
        except PayloadError as error:
            raise LineError(str(error)) from None
        except LineError as error:
            raise LineError(f"{self._map.kind} {entity_id}: {error}") from None

    def _live(self, entity_id: str, seen: Seen) -> Kept:
        created = self._moment("created", self._map.created, seen)
        if created is None:
            raise LineError(f"created, {self._map.created}, is not in the line")
        steps = sorted((step for number in range(len(self._map.steps)) for step in self._steps(number, seen)), key=_at)
        self._check_order(created, steps)
        subject = f"{self._map.kind} {entity_id}"
        seen = {**seen, "at": moment_text(created)}
        data = self._values("data", self._map.data, self._definition.data, seen)
        born = decide_creation(self._definition, entity_id, self._command(CREATE, data), created)
        events = [_accepted(born, subject, "its creation", "")]
        entity = evolve(None, events[0])
        for step in steps:
            event = decide(self._machine, entity, self._command(step.trigger, step.payload), step.at)
            events.append(_accepted(event, subject, f"step {step.number}", entity.event_id))
            entity = evolve(entity, events[-1])
        self._check_state(entity, seen)
        return Kept(entity, events)

    def _command(self, trigger: str, payload: Mapping[str, Value]) -> Command:
        return Command(trigger, payload, event_id="", by=self._by)

    def _check_order(self, created: datetime, steps: list[_Happened]) -> None:
        if steps and steps[0].at < created:
            raise LineError(f"step {steps[0].number} is earlier than its creation")
        last = steps[-1].at if steps else created
        if last > self._now():
            what = f"step {steps[-1].number}" if steps else "its creation"
            raise LineError(f"{what} is in the future; do day and month stand in the order that times.format says?")

    def _check_state(self, entity: Entity, seen: Seen) -> None:
        state = self._map.state
        expected = state if isinstance(state, str) else self._name("state", state, seen)
        if expected and expected not in self._definition.states:
            assert isinstance(state, From)
            raise LineError(f"the state, {state.expression}, is none of those of {entity.kind!r}")
        if expected and expected != entity.state:
            raise LineError(f"its steps lead to {entity.state!r}, and its state is to be {expected!r}")

    def _steps(self, number: int, seen: Seen) -> Iterator[_Happened]:
        step = self._map.steps[number]
        told = f"step {number + 1}"
        for element in self._elements(told, step, seen):
            within = {**seen, "step": element}
            if step.when and not self._holds(told, step.when, within):
                continue
            at = self._moment(told, step.at, within)
            if at is None:
                continue
            within["at"] = moment_text(at)
            trigger = step.trigger if isinstance(step.trigger, str) else self._trigger(told, step.trigger, within)
            payload = self._values(f"{told}: payload", step.payload, self._fields[trigger], within)
            yield _Happened(number + 1, trigger, at, payload)

    def _elements(self, told: str, step: Step, seen: Seen) -> list[Value]:
        if not step.each:
            return [None]
        found = self._evaluated(told, step.each, seen)
        if found is not None and not isinstance(found, list):
            raise LineError(f"{told}: {step.each} is no list")
        return found or []

    def _trigger(self, told: str, given: From, seen: Seen) -> str:
        trigger = self._name(f"{told}: the trigger", given, seen)
        if trigger not in self._fields:
            raise LineError(f"{told}: the trigger, {given.expression}, is none of those of {self._map.kind!r}")
        return trigger

    def _name(self, told: str, given: From, seen: Seen) -> str:
        """Our name for the old system's word; '' where there is none."""
        value = self._evaluated(told, given.expression, seen)
        if value is None or value == "":
            return ""
        word = _as_text(told, given.expression, value)
        if not given.words:
            return word
        if word not in given.words:
            known = ", ".join(list(given.words)[:12])
            raise LineError(f"{told}, {given.expression}, is a word that the map does not know; it knows: {known}")
        return given.words[word]

    def _evaluated(self, told: str, text: str, seen: Seen) -> Value:
        try:
            return self._expressions[text].evaluate(seen)
        except (ExpressionError, UnfitValueError) as error:
            raise LineError(f"{told}: {error}") from None

    def _holds(self, told: str, text: str, seen: Seen) -> bool:
        try:
            return self._expressions[text].holds(seen)
        except ExpressionError as error:
            raise LineError(f"{told}: {error}") from None

    def _text(self, told: str, text: str, seen: Seen) -> str:
        value = self._evaluated(told, text, seen)
        if value is None or value == "":
            raise LineError(f"the {told}, {text}, is not in the line")
        return _as_text(f"the {told}", text, value)

    def _moment(self, told: str, text: str, seen: Seen) -> datetime | None:
        value = self._evaluated(told, text, seen)
        try:
            return None if value is None or value == "" else self._moments.read(value)
        except MomentError as error:
            raise LineError(f"{told}: {text} {error}") from None

    def _values(
        self, told: str, mapped: Mapping[str, str], fields: Mapping[str, Field], seen: Seen
    ) -> dict[str, Value]:
        """The values by name, without those that are null; raises LineError with everything that does not fit."""
        values: dict[str, Value] = {}
        problems = []
        for name, text in mapped.items():
            try:
                value = self._evaluated(f"{told}.{name}", text, seen)
                values[name] = self._fitted(value, fields.get(name), seen)
            except LineError as error:
                problems.append(str(error))
            except MomentError as error:
                problems.append(f"{told}.{name}: {text} {error}")
        if problems:
            raise LineError("; ".join(problems))
        return {name: value for name, value in values.items() if value is not None}

    def _fitted(self, value: Value, field: Field | None, seen: Seen) -> Value:
        """What the field takes for the value, in the old system's way to write times and numbers."""
        if field is None or value is None or value == seen["at"]:
            return value
        if field.type == "timestamp":
            return None if value == "" else moment_text(self._moments.read(value))
        if field.type in _NUMBERS and isinstance(value, str) and self._map.decimal == COMMA:
            return value.replace(".", "").replace(",", ".")
        return value


def _at(step: _Happened) -> datetime:
    return step.at


def _as_text(told: str, expression: str, value: Value) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise LineError(f"{told}, {expression}, is neither text nor a whole number")


def _accepted(event: Event | Refused, subject: str, told: str, before: str) -> Event:
    """The event under an id that says what it is, and what was before it: another history has others."""
    if isinstance(event, Refused):
        raise LineError(f"{told}: {str(event).removeprefix(f'{subject}: ')}")
    what: list[Value] = [event.kind, event.entity_id, event.version, event.trigger, event.source, event.target]
    what += [event.at.isoformat(), event.definition, event.payload, event.changes, event.by, before]
    return event._replace(id=hashlib.sha256(exact_json(what).encode()).hexdigest()[:_ID_DIGITS])
