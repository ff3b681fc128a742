"""What an unquoted YAML scalar means, by the core schema of YAML 1.2: `on`, `yes` and `1:30` are text."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation

from workflow.definition.values import PLAIN_NUMBER, UnfitValueError, Value, canonical

_WORDS: dict[str, Value] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_OCTAL = re.compile(r"0o[0-7]+")
_HEXADECIMAL = re.compile(r"0x[0-9a-fA-F]+")
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_UNSTORABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")


class ScalarError(ValueError):
    """A scalar that stands for nothing that could be stored."""

    def __init__(self, message: str, way_out: str) -> None:
        self.message, self.way_out = message, way_out
        super().__init__(message)


def resolve(text: str, *, plain: bool) -> Value:
    """The canonical value of a scalar, where `plain` means unquoted; raises ScalarError."""
    if not plain:
        return _storable(text)
    if text in _WORDS:
        return _WORDS[text]
    if _NOT_FINITE.fullmatch(text):
        raise ScalarError(f"{text} is not a finite number", "write a number, or quote it to make it text")
    if PLAIN_NUMBER.fullmatch(text) or _OCTAL.fullmatch(text) or _HEXADECIMAL.fullmatch(text):
        return _number(text)
    return _storable(text)


def _storable(text: str) -> str:
    if _UNSTORABLE.search(text):
        raise ScalarError("the text holds a control character or half of a surrogate pair", "remove the escape")
    return text


def _number(text: str) -> Value:
    try:
        base = {"0o": 8, "0x": 16}.get(text[:2])
        return canonical(int(text[2:], base) if base else Decimal(text), "the number")
    except (UnfitValueError, InvalidOperation, ValueError):
        raise ScalarError(
            "the number does not fit DynamoDB: 38 digits, 1E-130 to 9.99E+125", "write a smaller one, or quote it"
        ) from None
