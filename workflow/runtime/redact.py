"""Keeping sensitive values out of what people and logs get to read."""

from __future__ import annotations

import json
import re
import traceback
from collections.abc import Iterable, Iterator, Mapping

HIDDEN = "[hidden]"

_LONGEST_ERROR = 1000


def quotable(value: object) -> Iterator[str]:
    """Every text by which a value, or a part of it, may be quoted: as it is, as Python and as JSON write it."""
    if isinstance(value, Mapping):
        for name, item in value.items():
            yield from quotable(name)
            yield from quotable(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from quotable(item)
    elif value is not None and value != "":
        text = str(value)
        yield from (text, repr(text)[1:-1], json.dumps(text)[1:-1])
        yield from (line for line in text.splitlines() if line.strip())


def redact(text: str, secrets: Iterable[str]) -> str:
    """The text with every occurrence of a secret replaced, the longest first."""
    longest_first = sorted(set(secrets), key=len, reverse=True)
    return re.sub("|".join(map(re.escape, longest_first)), HIDDEN, text) if longest_first else text


def redacted_error(error: BaseException, secrets: Iterable[str]) -> str:
    """What an error says, on one line that a ledger can hold, without the secrets."""
    try:
        text = str(error)
    except Exception as failure:
        text = f"<its text cannot be read: {type(failure).__name__}>"
    told = redact(f"{type(error).__name__}: {text}", secrets).encode(errors="replace").decode()
    return told if len(told) <= _LONGEST_ERROR else f"{told[:_LONGEST_ERROR]} ..."


def redacted_trace(error: BaseException, secrets: Iterable[str]) -> str:
    """The traceback of an error as text, without the secrets that its messages may quote."""
    return redact("".join(traceback.format_exception(error)), secrets)


def bare_trace(error: BaseException) -> str:
    """Where an error came from, without any message: for when nobody can tell what is secret."""
    return "".join([*traceback.format_tb(error.__traceback__), type(error).__name__])
