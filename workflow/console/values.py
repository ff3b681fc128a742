"""Values as people read them: on one line, never as terminal control, cut where they are long."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Collection, Mapping
from decimal import Decimal

from workflow.console.json_form import to_json
from workflow.definition.values import Value
from workflow.runtime.redact import HIDDEN

LONGEST = 120
"""How many characters of a value are shown in a line."""

_JOINERS = {"\u200c", "\u200d"}
_FIRST_OF_JSON = '[{"'


def printable(text: str) -> str:
    """The text with everything that would steer a terminal (escapes, line ends, changes of direction) spelt out."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_spelt_out(character) for character in text)


def _spelt_out(character: str) -> str:
    # Joiners hold many scripts and emoji together, and move nothing.
    if unicodedata.category(character) not in {"Cc", "Cf", "Cs", "Zl", "Zp"} or character in _JOINERS:
        return character
    code = ord(character)
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}" if code < 65536 else f"\\U{code:08x}"


def shorten(text: str, longest: int = LONGEST) -> str:
    """The text in at most so many characters and a note how long it really is; then `printable`."""
    if len(text) <= longest:
        return printable(text)
    return f"{printable(text[:longest])}… ({len(text):,} characters)"


def show_value(value: Value, longest: int = LONGEST) -> str:
    """The value on one line: text as it is where that cannot be misread, else as JSON."""
    if isinstance(value, str):
        return shorten(value if _plain(value) else json.dumps(value, ensure_ascii=False), longest)
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return str(value)
    return shorten(to_json(value, ascii_only=False), longest)


def _plain(text: str) -> bool:
    return bool(text) and text == text.strip() and text.isprintable() and not _reads_as_json(text)


def _reads_as_json(text: str) -> bool:
    if len(text) > LONGEST:
        return text[0] in _FIRST_OF_JSON
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def hide(values: Mapping[str, Value], names: Collection[str], secrets: Collection[str] = ()) -> dict[str, Value]:
    """The values without the fields of these names, at any depth, and without text that is one of the secrets."""
    return {name: HIDDEN if name in names else _hidden(value, names, secrets) for name, value in values.items()}


def _hidden(value: Value, names: Collection[str], secrets: Collection[str]) -> Value:
    if isinstance(value, Mapping):
        return hide(value, names, secrets)
    if isinstance(value, list):
        return [_hidden(item, names, secrets) for item in value]
    return HIDDEN if isinstance(value, str) and value in secrets else value


def secrets_in(values: Mapping[str, Value], names: Collection[str]) -> frozenset[str]:
    """The texts that the sensitive fields hold; the same text elsewhere is the same secret."""
    return frozenset(value for name, value in values.items() if name in names and isinstance(value, str) and value)
