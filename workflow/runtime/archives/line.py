"""One entity as one line of an archive: its whole history in JSON, with exact numbers and a checksum. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any, NamedTuple, TypeVar

from workflow.definition.values import UnfitValueError, Value, canonical
from workflow.engine.entity import Entity
from workflow.engine.events import Event, FoldError, fold
from workflow.engine.place import Place
from workflow.errors import PayloadError
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
        "created_at": _write_time(entity.created_at),
        "changed_at": _write_time(entity.changed_at),
        "events": [_write_event(event) for event in kept.events],
    }
    if kept.place:
        form["place"] = _write_place(kept.place)
    if kept.timer:
        timer = kept.timer
        form["timer"] = {"trigger": timer.trigger, "at": _write_time(timer.at), "refused": timer.refused}
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
    kind, entity_id = _text(form["kind"]), _text(form["id"])
    check_id(kind, entity_id)
    events = [_read_event(kind, entity_id, number, one) for number, one in enumerate(form["events"], 1)]
    entity = fold(events)
    if entity is None or entity.version != form["version"]:
        raise LineError("its version is not that of its last event")
    _check_owing(events)
    timer = _read_optional(form, "timer", lambda found: _read_timer(entity, found))
    requests = [
        Request(_text(one["id"]), _count(one["version"]), _text(one["event"]), _text(one["fingerprint"]))
        for one in form.get("requests", ())
    ]
    opened = [_count(version) for version in form.get("open", ())]
    place = _read_optional(form, "place", _read_place)
    undo = _read_optional(form, "undo", _read_undo) or {}
    return Kept(entity._replace(place=None), events, place, timer, requests, opened, undo)


def _read_undo(form: Mapping[str, Any]) -> Mapping[int, Mapping[str, str]]:
    hooks = {int(version): _map(one, "undo") for version, one in form.items()}
    return {version: {_text(name): _text(hook) for name, hook in one.items()} for version, one in hooks.items()}


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
        "at": _write_time(event.at),
        "definition": event.definition,
    }
    form |= {name: getattr(event, name) for name in (*_VALUES, *_NUMBERS) if getattr(event, name)}
    form |= {name: getattr(event, field) for name, field in _TEXTS.items() if getattr(event, field)}
    return form if event.place is None else form | {"place": _write_place(event.place)}


def _read_event(kind: str, entity_id: str, number: int, form: Mapping[str, Any]) -> Event:
    if form["version"] != number:
        raise LineError(f"event {number} is missing")
    return Event(
        kind=kind,
        entity_id=entity_id,
        version=number,
        id=_text(form["id"]),
        trigger=_word(form["trigger"]),
        source=_word(form["from"]) if number > 1 else "",
        target=_word(form["to"]),
        at=_time(form["at"]),
        definition=_count(form["definition"]),
        payload=_map(form.get("payload", {}), "payload"),
        changes=_map(form.get("changes", {}), "changes"),
        by=_text(form.get("by", "")),
        request_id=_text(form.get("request", "")),
        cause=_text(form.get("cause", "")),
        depth=_count(form.get("depth", 0)),
        owing=_count(form.get("owing", 0)),
        place=_read_optional(form, "place", _read_place),
        trace=_text(form.get("trace", "")),
        home=_text(form.get("home", "")),
    )


def _write_place(place: Place) -> dict[str, Value]:
    stands: dict[str, Value] = {"rank": place.rank} if place.is_waiting else {"slot": place.slot}
    return {"lane": place.lane, "key": place.key, "since": _write_time(place.since), **stands}


def _read_place(form: Mapping[str, Any]) -> Place:
    slot, rank = _count(form.get("slot", 0)), _text(form.get("rank", ""))
    return Place(_text(form["lane"]), _text(form["key"]), _time(form["since"]), slot, rank)


def _read_timer(entity: Entity, form: Mapping[str, Any]) -> SetTimer:
    trigger, refused = _word(form["trigger"]), _text(form["refused"])
    return SetTimer(entity.kind, entity.id, entity.version, trigger, _time(form["at"]), refused)


def _read_optional(form: Mapping[str, Any], name: str, read: Callable[[Mapping[str, Any]], _Read]) -> _Read | None:
    return read(form[name]) if name in form else None


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    return str(canonical(value, "a text"))


def _word(value: object) -> str:
    # The table keeps trigger, source and target as words of one text.
    text = _text(value)
    if not text or " " in text:
        raise ValueError
    return text


def _count(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 10**12:
        raise TypeError
    return value


def _map(value: object, where: str) -> Mapping[str, Value]:
    if not isinstance(value, dict):
        raise TypeError
    # What does not fit is told without its path: keys may be as secret as values.
    try:
        fitted: Mapping[str, Value] = canonical(value, where)
    except UnfitValueError:
        raise LineError(f"its {where} cannot be stored") from None
    return fitted


def _write_time(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _time(value: object) -> datetime:
    moment = datetime.fromisoformat(_text(value))
    if moment.tzinfo is None:
        raise ValueError
    return moment.astimezone(UTC)


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
