"""The values that data and payloads may hold: JSON with exact numbers, in one canonical form.

Canonical: whole numbers are `int`, all others `Decimal`; lists are `list`, maps are `dict` with string keys.
What DynamoDB gives back for a canonical value is that same value.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Context, Decimal, Inexact, InvalidOperation, Overflow, Underflow
from typing import Any, TypeAlias, cast

Value: TypeAlias = Any
"""None, bool, int, Decimal, str, or lists and string-keyed maps of these."""

MAX_DEPTH = 28
"""Levels of lists and maps; DynamoDB allows 32 in an item, of which data and payload stand at most three deep.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html"""

_DYNAMODB = Context(prec=38, Emin=-130, Emax=125, traps=[Inexact, Overflow, Underflow, InvalidOperation])
"""https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html"""

_LIMITS = "38 significant digits, from 1E-130 to 9.99E+125"


class UnfitValueError(ValueError):
    """A value that cannot be stored; the message says where, what and what to give instead."""


def canonical(value: object, where: str, depth: int = 0) -> Value:
    """The canonical form of a JSON-like value; raises UnfitValueError naming the place inside `where`."""
    kind = type(value)
    if kind is str:
        return _text(cast(str, value), where)
    if kind is int and -(10**18) < cast(int, value) < 10**18:
        return value
    if value is None or kind is bool:
        return value
    if kind is Decimal:
        return _number(cast(Decimal, value), where)
    if depth > MAX_DEPTH:
        raise UnfitValueError(f"{where} is nested deeper than {MAX_DEPTH} levels")
    if kind is dict or isinstance(value, Mapping):
        return _map(cast(Mapping[object, object], value), where, depth)
    if isinstance(value, list | tuple):
        return [canonical(item, f"{where}[{i}]", depth + 1) for i, item in enumerate(value)]
    return _scalar(value, where)


def _map(value: Mapping[object, object], where: str, depth: int) -> Value:
    fitted: dict[str, Value] = {}
    for key, item in value.items():
        # Most values are short plain text or small numbers; building the path for each would be half of the cost.
        if type(key) is str and key and key.isascii() and type(item) is str and item.isascii():
            fitted[key] = item
        else:
            fitted[_key(key, where)] = canonical(item, f"{where}.{key}", depth + 1)
    return fitted


def _scalar(value: object, where: str) -> Value:
    if isinstance(value, float):
        return _number(Decimal(repr(float(value))), where)
    if isinstance(value, str):
        return _text(str(value), where)
    if isinstance(value, int | Decimal):
        return _number(Decimal(value), where)
    if isinstance(value, bytes | bytearray):
        raise UnfitValueError(f"{where} is bytes; give text, for example base64")
    raise UnfitValueError(
        f"{where} is {type(value).__name__}; allowed are text, numbers, true, false, null, lists and maps"
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
    try:
        exact = value.normalize(_DYNAMODB)
    except ArithmeticError:
        raise UnfitValueError(f"{where} does not fit DynamoDB's numbers: {_LIMITS}") from None
    if not exact.is_finite():
        raise UnfitValueError(f"{where} is {exact}; give a finite number")
    return int(exact) if exact == exact.to_integral_value() else exact
