"""The values that data and payloads may hold: JSON with exact numbers, in one canonical form.

Canonical: whole numbers are `int`, all others `Decimal`; lists are `list`, maps are `dict` with string keys. What DynamoDB
gives back for a canonical value is that same value.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, TypeAlias

Value: TypeAlias = Any
"""None, bool, int, Decimal, str, or lists and string-keyed maps of these."""

MAX_DEPTH = 28
"""Levels of lists and maps; DynamoDB allows 32 in an item, of which data and payload stand at most three deep.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html"""

_MAX_DIGITS = 38
_MAX_EXPONENT = 125
_MIN_EXPONENT = -130


class UnfitValueError(ValueError):
    """A value that cannot be stored; the message says where, what and what to give instead."""


def canonical(value: object, where: str, depth: int = 0) -> Value:
    """The canonical form of a JSON-like value; raises UnfitValueError naming the place inside `where`."""
    kind = type(value)
    if kind is str:
        return _text(value, where)  # type: ignore[arg-type]
    if kind is int:
        return value if -(10**18) < value < 10**18 else _number(Decimal(value), where)  # type: ignore[operator, call-overload]
    if value is None or kind is bool:
        return value
    if depth > MAX_DEPTH:
        raise UnfitValueError(f"{where} is nested deeper than {MAX_DEPTH} levels")
    if isinstance(value, Mapping):
        return {_key(k, where): canonical(v, f"{where}.{k}", depth + 1) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [canonical(v, f"{where}[{i}]", depth + 1) for i, v in enumerate(value)]
    return _scalar(value, where)


def _scalar(value: object, where: str) -> Value:
    if isinstance(value, Decimal):
        return _number(value, where)
    if isinstance(value, float):
        return _number(Decimal(repr(float(value))), where)
    if isinstance(value, str):
        return _text(str(value), where)
    if isinstance(value, int):
        return _number(Decimal(int(value)), where)
    if isinstance(value, bytes | bytearray):
        raise UnfitValueError(f"{where} is bytes; give text, for example base64")
    raise UnfitValueError(
        f"{where} is a {type(value).__name__}; allowed are text, numbers, true, false, null, lists and maps"
    )


def _text(value: str, where: str) -> str:
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise UnfitValueError(f"{where} holds half of a surrogate pair; give valid Unicode") from None
    return value


def _key(key: object, where: str) -> str:
    if not isinstance(key, str):
        raise UnfitValueError(f"{where} has the key {key!r}; keys must be text")
    if not key:
        raise UnfitValueError(f"{where} has an empty key; DynamoDB needs at least one character")
    return _text(key, where)


def _number(value: Decimal, where: str) -> int | Decimal:
    """DynamoDB's numbers: 38 significant digits, 1E-130 to 9.99E+125.
    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html"""
    if not value.is_finite():
        raise UnfitValueError(f"{where} is {value}; give a finite number")
    if value.is_zero():
        return 0
    sign, digits, exponent = value.as_tuple()
    text = "".join(map(str, digits)).lstrip("0")
    significant = text.rstrip("0")
    power = int(exponent) + len(text) - len(significant)
    magnitude = power + len(significant) - 1
    if len(significant) > _MAX_DIGITS:
        raise UnfitValueError(f"{where} has {len(significant)} digits; DynamoDB keeps {_MAX_DIGITS}")
    if not _MIN_EXPONENT <= magnitude <= _MAX_EXPONENT:
        raise UnfitValueError(f"{where} is {value}; DynamoDB's numbers go from 1E-130 to 9.99E+125")
    if power >= 0:
        whole = int(significant) * 10**power
        return -whole if sign else whole
    return Decimal((sign, tuple(map(int, significant)), power))
