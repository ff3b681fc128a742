"""The types a field may have, and fitting a value to its field."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from workflow.definition.definition import Field
from workflow.definition.values import UnfitValueError, UnstorableValueError, Value, canonical, find_number

# RFC 3339, seconds optional. Python also reads week dates and the like, which other readers of an event may not.
_TIMESTAMP = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T(?:[01][0-9]|2[0-3]):[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6}0*)?)?"
    r"(?:Z|[-+][0-9]{2}:[0-9]{2})?"
)


def fit(field: Field, value: object, where: str) -> Value:
    """The canonical value of a field; raises UnfitValueError saying what the field takes."""
    if value is None:
        if field.optional:
            return None
        raise UnfitValueError(f"{where} is null; give {_PHRASES[field.type]}")
    try:
        fitted = _FITTERS[field.type](value, where)
    except UnstorableValueError as error:
        raise (error.without_path_below(where) if field.sensitive else error) from None
    if field.choices and fitted not in field.choices:
        shown = " is none of its choices;" if field.sensitive else f" is {fitted!r};"
        raise UnfitValueError(f"{where}{shown} allowed: {', '.join(map(str, field.choices))}")
    return fitted


def _string(value: object, where: str) -> Value:
    if not isinstance(value, str):
        raise _unfit("string", value, where)
    return canonical(value, where)


def _integer(value: object, where: str) -> Value:
    if type(value) is int:
        return canonical(value, where)
    number = _decimal(value, where, "integer")
    if not isinstance(number, int):
        raise _unfit("integer", value, where)
    return number


def _decimal(value: object, where: str, type_name: str = "decimal") -> Value:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal | str):
        raise _unfit(type_name, value, where)
    if not isinstance(value, str):
        return canonical(value, where)
    number = find_number(value, where)
    if number is None:
        raise _unfit(type_name, value, where)
    return number


def _boolean(value: object, where: str) -> Value:
    if not isinstance(value, bool):
        raise _unfit("boolean", value, where)
    return value


def _timestamp(value: object, where: str) -> Value:
    moment = _moment(value)
    if moment is None:
        raise _unfit("timestamp", value, where)
    if moment.tzinfo is None:
        raise UnfitValueError(f"{where} has no time zone; give {_PHRASES['timestamp']}")
    try:
        in_utc = moment.astimezone(UTC)
    except OverflowError:
        raise _unfit("timestamp", value, where) from None
    # One text for one moment, and always of one length: what is equal compares as equal in guards, choices and
    # repeated requests, and the order of texts is that of time.
    return in_utc.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def _moment(value: object) -> datetime | None:
    if isinstance(value, datetime):
        return value
    if not isinstance(value, str) or not _TIMESTAMP.fullmatch(value):
        return None
    try:
        return datetime.fromisoformat(value)
    except ValueError:
        return None


def _list(value: object, where: str) -> Value:
    if not isinstance(value, list | tuple):
        raise _unfit("list", value, where)
    return canonical(value, where)


def _map(value: object, where: str) -> Value:
    if not isinstance(value, Mapping):
        raise _unfit("map", value, where)
    return canonical(value, where)


def _unfit(type_name: str, value: object, where: str) -> UnfitValueError:
    # The value itself stays out of the message: it may be sensitive.
    given = "this text" if isinstance(value, str) else type(value).__name__
    return UnfitValueError(f"{where} takes {_PHRASES[type_name]}, not {given}")


_FITTERS: Mapping[str, Callable[[Any, str], Value]] = {
    "string": _string,
    "integer": _integer,
    "decimal": _decimal,
    "boolean": _boolean,
    "timestamp": _timestamp,
    "list": _list,
    "map": _map,
    "any": canonical,
}

_PHRASES: Mapping[str, str] = {
    "string": "text",
    "integer": "a whole number",
    "decimal": "a number",
    "boolean": "true or false",
    "timestamp": "a time with zone such as 2026-01-31T12:00:00Z, to the microsecond at most",
    "list": "a list",
    "map": "a map",
    "any": "any value",
}

FIELD_TYPES = tuple(_FITTERS)
