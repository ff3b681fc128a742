"""One entity as one line of an archive: its whole history in JSON, with exact numbers and a checksum. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from types import MappingProxyType
from typing import Any, NamedTuple, TypeVar

from workflow.definition.values import UnfitValueError, Value, canonical
from workflow.engine.entity import Entity
from workflow.engine.events import Event, FoldError, fold
from workflow.engine.place import Place
from workflow.errors import PayloadError
from workflow.runtime.archives.line_fields import (
    read_count,
    read_place,
    read_text,
    read_time,
    read_word,
    write_place,
    write_time,
)
from workflow.runtime.ask import check_id
from workflow.runtime.ports import Request, SetTimer

FORMAT = 1
LONGEST_LINE_BYTES = 128 * 1024 * 1024
"""A longer line is none that was written by `workflow archive`."""

_SUM = ',"sum":"'
_SUM_DIGITS = 16
_TEXTS = {"by": "by", "request": "request_id", "cause": "cause", "trace": "trace", "home": "home"}
_VALUES = ("payload", "changes")
_NUMBERS = ("depth", "owing")

_Read = TypeVar("_Read")


class LineError(ValueError):
    """A line that cannot be read; the message says why, and quotes none of its values."""


class Kept(NamedTuple):
    """One entity with all that an archive keeps of it. `entity` is what its events make of it, in no lane yet; `place`
    is where it stands in one. `open` are the versions whose effects were not settled when it was archived.
    `undo` has by version, for each effect that can be taken back, the hook that does so."""

    entity: Entity
    events: Sequence[Event]
    place: Place | None = None
    timer: SetTimer | None = None
    requests: Sequence[Request] = ()
    open: Sequence[int] = ()
    undo: Mapping[int, Mapping[str, str]] = MappingProxyType({})


def write_line(kept: Kept) -> str:
    """The line, without its end."""
    entity = kept.entity
    form: dict[str, Value] = {
        "format": FORMAT,
        "kind": entity.kind,
        "id": entity.id,
        "state": entity.state,
        "version": entity.version,
        "created_at": write_time(entity.created_at),
        "changed_at": write_time(entity.changed_at),
        "events": [_write_event(event) for event in kept.events],
    }
    if kept.place:
        form["place"] = write_place(kept.place)
    if kept.timer:
        timer = kept.timer
        form["timer"] = {"trigger": timer.trigger, "at": write_time(timer.at), "refused": timer.refused}
    if kept.requests:
        form["requests"] = [
            {"id": one.id, "version": one.version, "event": one.event_id, "fingerprint": one.fingerprint}
            for one in kept.requests
        ]
    if kept.open:
        form["open"] = list(kept.open)
    if kept.undo:
        form["undo"] = {str(version): dict(hooks) for version, hooks in kept.undo.items()}
    text = exact_json(form)[:-1]
    return f'{text}{_SUM}{_sum_of(text)}"}}'


def read_line(line: bytes) -> Kept:
    """What the line holds, checked: it was not changed, and its events follow one on another. Raises LineError."""
    text = _checked(line)
    try:
        form = json.loads(text + "}", parse_float=Decimal)
        return _read(form)
    except LineError:
        raise
    except (FoldError, PayloadError, UnfitValueError) as error:
        raise LineError(str(error)) from None
    except KeyError as error:
        raise LineError(f"it lacks {error.args[0]!r}") from None
    except (ValueError, TypeError, AttributeError, ArithmeticError, RecursionError) as error:
        raise LineError(f"it is no history ({type(error).__name__})") from None


def _checked(line: bytes) -> str:
    try:
        text, mark, rest = line.decode().rstrip("\n").rpartition(_SUM)
    except UnicodeDecodeError:
        raise LineError("it was changed or damaged: it is no UTF-8") from None
    if not mark or rest != f'{_sum_of(text)}"}}':
        raise LineError("it was cut, changed or damaged: its checksum is another one")
    return text


def _sum_of(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:_SUM_DIGITS]


def _read(form: Mapping[str, Any]) -> Kept:
    if form["format"] != FORMAT:
        raise LineError(f"it has format {form['format']!r}, and this version reads {FORMAT}; use the one that wrote it")
    kind, entity_id = read_text(form["kind"]), read_text(form["id"])
    check_id(kind, entity_id)
    events = [_read_event(kind, entity_id, number, one) for number, one in enumerate(form["events"], 1)]
    entity = fold(events)
    if entity is None or entity.version != form["version"]:
        raise LineError("its version is not that of its last event")
    _check_owing(events)
    timer = _read_optional(form, "timer", lambda found: _read_timer(entity, found))
    requests = [
        Request(
            read_text(one["id"]), read_count(one["version"]), read_text(one["event"]), read_text(one["fingerprint"])
        )
        for one in form.get("requests", ())
    ]
    opened = [read_count(version) for version in form.get("open", ())]
    place = _read_optional(form, "place", read_place)
    undo = _read_optional(form, "undo", _read_undo) or {}
    return Kept(entity._replace(place=None), events, place, timer, requests, opened, undo)


def _read_undo(form: Mapping[str, Any]) -> Mapping[int, Mapping[str, str]]:
    hooks = {int(version): _map(one, "undo") for version, one in form.items()}
    return {version: {read_text(name): read_text(hook) for name, hook in one.items()} for version, one in hooks.items()}


def _check_owing(events: Sequence[Event]) -> None:
    owing = 0
    for event in events:
        if event.owing not in (owing, event.version):
            raise LineError(f"event {event.version} does not say which event before it owes effects")
        owing = event.owing


def _write_event(event: Event) -> dict[str, Value]:
    form: dict[str, Value] = {
        "version": event.version,
        "id": event.id,
        "trigger": event.trigger,
        "from": event.source,
        "to": event.target,
        "at": write_time(event.at),
        "definition": event.definition,
    }
    form |= {name: getattr(event, name) for name in (*_VALUES, *_NUMBERS) if getattr(event, name)}
    form |= {name: getattr(event, field) for name, field in _TEXTS.items() if getattr(event, field)}
    return form if event.place is None else form | {"place": write_place(event.place)}


def _read_event(kind: str, entity_id: str, number: int, form: Mapping[str, Any]) -> Event:
    if form["version"] != number:
        raise LineError(f"event {number} is missing")
    return Event(
        kind=kind,
        entity_id=entity_id,
        version=number,
        id=read_text(form["id"]),
        trigger=read_word(form["trigger"]),
        source=read_word(form["from"]) if number > 1 else "",
        target=read_word(form["to"]),
        at=read_time(form["at"]),
        definition=read_count(form["definition"]),
        payload=_map(form.get("payload", {}), "payload"),
        changes=_map(form.get("changes", {}), "changes"),
        by=read_text(form.get("by", "")),
        request_id=read_text(form.get("request", "")),
        cause=read_text(form.get("cause", "")),
        depth=read_count(form.get("depth", 0)),
        owing=read_count(form.get("owing", 0)),
        place=_read_optional(form, "place", read_place),
        trace=read_text(form.get("trace", "")),
        home=read_text(form.get("home", "")),
    )


def _read_timer(entity: Entity, form: Mapping[str, Any]) -> SetTimer:
    trigger, refused = read_word(form["trigger"]), read_text(form["refused"])
    return SetTimer(entity.kind, entity.id, entity.version, trigger, read_time(form["at"]), refused)


def _read_optional(form: Mapping[str, Any], name: str, read: Callable[[Mapping[str, Any]], _Read]) -> _Read | None:
    return read(form[name]) if name in form else None


def _map(value: object, where: str) -> Mapping[str, Value]:
    if not isinstance(value, dict):
        raise TypeError
    # What does not fit is told without its path: keys may be as secret as values.
    try:
        fitted: Mapping[str, Value] = canonical(value, where)
    except UnfitValueError:
        raise LineError(f"its {where} cannot be stored") from None
    return fitted


def exact_json(value: Value) -> str:
    """The value as JSON text, every digit of a Decimal in it."""
    try:
        # The library's writer is ten times as fast, and most values hold no Decimal.
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    except TypeError:
        return _exact(value)


def _exact(value: Value) -> str:
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{_exact(name)}:{_exact(item)}" for name, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_exact, value)) + "]"
    return json.dumps(value, ensure_ascii=False)
