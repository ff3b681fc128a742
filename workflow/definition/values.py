"""The values that data and payloads may hold: JSON with exact numbers, in one canonical form.

Canonical: whole numbers are `int`, all others `Decimal`; lists are `list`, maps are `dict` with string keys.
What DynamoDB gives back for a canonical value is that same value.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Context, Decimal, Inexact, InvalidOperation, Overflow, Subnormal, Underflow
from typing import Any, TypeAlias, cast

Value: TypeAlias = Any
"""None, bool, int, Decimal, str, or lists and string-keyed maps of these."""

MAX_DEPTH = 28
"""Levels of lists and maps; DynamoDB allows 32 in an item, of which data and payload stand at most three deep.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html"""

EXACT = Context(prec=38, Emin=-130, Emax=125, traps=[Inexact, Overflow, Underflow, Subnormal, InvalidOperation])
"""DynamoDB's numbers: whatever would not be exact in them raises an ArithmeticError.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html"""

PLAIN_NUMBER = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
"""How a number is written as text; Python's own reading takes blanks, underscores and other scripts' digits too."""

_LIMITS = "38 significant digits, from 1E-130 to 9.99E+125"


class UnfitValueError(ValueError):
    """A value that cannot be taken; the message says where, what and what to give instead."""


class UnstorableValueError(UnfitValueError):
    """A value that no field could hold."""

    def __init__(self, where: str, what: str) -> None:
        self.where, self.what = where, what
        super().__init__(f"{where} {what}")

    def without_path_below(self, *places: str) -> UnfitValueError:
        """The same without the path inside any of `places`: a sensitive map's keys are as secret as its values."""
        for place in places:
            if self.where.startswith((f"{place}.", f"{place}[")):
                return UnfitValueError(f"{place} cannot be stored: a value in it {self.what}")
        return self


def canonical(value: object, where: str, depth: int = 0) -> Value:
    """The canonical form of a JSON-like value; raises UnstorableValueError naming the place inside `where`."""
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
        raise UnstorableValueError(where, f"is nested deeper than {MAX_DEPTH} levels")
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
        return _text(value, where)
    if isinstance(value, int | Decimal):
        return _number(Decimal(value), where)
    if isinstance(value, bytes | bytearray):
        raise UnstorableValueError(where, "is bytes; give text, for example base64")
    raise UnstorableValueError(
        where, f"is {type(value).__name__}; allowed are text, numbers, true, false, null, lists and maps"
    )


def _text(value: str, where: str) -> str:
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise UnstorableValueError(where, "holds half of a surrogate pair; give valid Unicode") from None
    # Of an enum's member this is the text it stands for, where str() gives its name.
    return value if type(value) is str else str.__str__(value)


def _key(key: object, where: str) -> str:
    if not isinstance(key, str):
        raise UnstorableValueError(where, f"has a key that is {type(key).__name__}; keys must be text")
    if not key:
        raise UnstorableValueError(where, "has an empty key; DynamoDB needs at least one character")
    return _text(key, where)


def find_number(text: str, where: str) -> int | Decimal | None:
    """The number that text such as 12, -0.5 or 1e3 writes, None for other text; raises UnstorableValueError."""
    if not PLAIN_NUMBER.fullmatch(text):
        return None
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise _out_of_measure(where) from None
    return _number(number, where)


def _number(value: Decimal, where: str) -> int | Decimal:
    try:
        exact = value.normalize(EXACT)
    except ArithmeticError:
        raise _out_of_measure(where) from None
    if not exact.is_finite():
        raise UnstorableValueError(where, "is not a finite number; give one that is")
    return int(exact) if exact == exact.to_integral_value() else exact


def _out_of_measure(where: str) -> UnstorableValueError:
    return UnstorableValueError(where, f"does not fit DynamoDB's numbers: {_LIMITS}")
