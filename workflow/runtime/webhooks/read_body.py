"""A delivery's body as JSON, read strictly: what two readers may read as two things is refused."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any, NoReturn

from workflow.definition.values import Value

MAX_DEPTH = 64

_LONGEST_NUMBER = 100
_LARGEST_EXPONENT = 400
# A string, an opening or a closing bracket. Possessive, so that no body makes it go back, however it is broken.
_TOKENS = re.compile(r'"(?:[^"\\]++|\\.)*+"?|[\[{]|[\]}]', re.DOTALL)


class BodyError(ValueError):
    """The body cannot be read; what it says quotes nothing of it."""


def read_body(body: bytes) -> Value:
    """The JSON value of a body in UTF-8, whole numbers as int, others as Decimal; raises BodyError."""
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        raise BodyError(f"the body is not UTF-8 at byte {error.start}") from None
    _check_depth(text)
    try:
        return json.loads(
            text,
            object_pairs_hook=_object,
            parse_int=_whole_number,
            parse_float=_fraction,
            parse_constant=_refuse_constant,
        )
    except json.JSONDecodeError as error:
        raise BodyError(f"the body is not JSON: line {error.lineno}, column {error.colno}") from None


def _check_depth(text: str) -> None:
    if text.count("[") + text.count("{") <= MAX_DEPTH:
        return
    depth = 0
    for found in _TOKENS.finditer(text):
        first = found[0][0]
        if first in "[{":
            depth += 1
            if depth > MAX_DEPTH:
                raise BodyError(f"the body is nested deeper than {MAX_DEPTH} levels")
        elif first in "]}":
            depth -= 1


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise BodyError("an object in the body has a key twice")
    return found


def _whole_number(written: str) -> int:
    _check_length(written)
    return int(written)


def _fraction(written: str) -> Decimal:
    _check_length(written)
    try:
        number = Decimal(written)
    except ArithmeticError:
        raise BodyError("a number in the body is out of measure") from None
    # Of such a number, ceil() and floor() would make a whole one with as many digits.
    if number and abs(number.adjusted()) > _LARGEST_EXPONENT:
        raise BodyError("a number in the body is out of measure")
    return number


def _check_length(written: str) -> None:
    if len(written) > _LONGEST_NUMBER:
        raise BodyError(f"a number in the body has more than {_LONGEST_NUMBER} characters")


def _refuse_constant(_: str) -> NoReturn:
    raise BodyError("a number in the body is none: NaN and Infinity are not JSON")
