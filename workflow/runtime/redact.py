"""Keeping sensitive values out of what people and logs get to read.

Known by their text alone: what a hook makes of a value (its first half, its hash) cannot be recognised.
"""

from __future__ import annotations

import json
import re
import traceback
from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import quote, quote_plus

HIDDEN = "[hidden]"

_LONGEST_ERROR = 1000
_LONGEST_TRACE = 8000
_LONGEST_CHAIN = 20
_LEAST_NAME = 4
"""A name in a map below this length is not hidden."""
_SHORT = 6
"""A text below this length is hidden only where it stands as a word of its own: it is part of too many others."""


def quotable(value: object) -> Iterator[str]:
    """Every text by which a value, or a part of it, may be quoted: as it is, as Python, JSON and URLs write it."""
    if isinstance(value, Mapping):
        for name, item in value.items():
            # A login as well as a field's name: nobody can tell. A shorter one is in every other word.
            if len(name) >= _LEAST_NAME or not name.isidentifier():
                yield from quotable(name)
            yield from quotable(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from quotable(item)
    elif value is not None and value != "":
        text = str(value)
        yield from _written(text)
        yield from (quote(text, safe=safe, errors="replace") for safe in ("", "/"))
        yield quote_plus(text, errors="replace")
        yield from (line for line in text.splitlines() if line.strip())


def _written(text: str) -> set[str]:
    """As Python and JSON write a text, and what they have written: a KeyError quotes what may quote a map."""
    forms = {text}
    for _ in range(2):
        forms |= {written for form in forms for written in _escaped(form)}
        if len(forms) == 1:
            break
    return forms


def _escaped(text: str) -> tuple[str, ...]:
    # With another quote beside it, Python escapes the one that it left alone before.
    json_forms = json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1]
    return (repr(text)[1:-1], repr(text + '"')[1:-2], *json_forms)


def redact(text: str, secrets: Iterable[str]) -> str:
    """The text with every occurrence of a secret replaced, in whatever case, the longest first."""
    longest_first = sorted(_possible(text, set(secrets)), key=len, reverse=True)
    return re.sub("|".join(map(_pattern, longest_first)), HIDDEN, text, flags=re.IGNORECASE) if longest_first else text


def _possible(text: str, secrets: Iterable[str]) -> Iterable[str]:
    """Those that may stand in the text: a large batch has thousands, and a pattern of all of them is slow."""
    if not text.isascii():
        # Outside of ASCII, what is the same in whatever case is for the pattern to say.
        return secrets
    lower = text.lower()
    return [secret for secret in secrets if not secret.isascii() or secret.lower() in lower]


def _pattern(secret: str) -> str:
    pattern = re.escape(secret)
    return rf"(?<!\w){pattern}(?!\w)" if len(secret) < _SHORT else pattern


def redacted_error(error: BaseException, secrets: Iterable[str]) -> str:
    """What an error says, short enough for a ledger, without the secrets."""
    try:
        text = str(error)
    except KeyboardInterrupt:
        raise
    except BaseException as failure:
        # SystemExit as well: what an error says must not end what tells of it.
        text = f"<its text cannot be read: {type(failure).__name__}>"
    told = f"{type(error).__name__}: {redact(text, secrets)}".encode(errors="replace").decode()
    return told if len(told) <= _LONGEST_ERROR else f"{told[:_LONGEST_ERROR]} ..."


def redacted_trace(error: BaseException, secrets: Iterable[str]) -> str:
    """The traceback of an error and of those that led to it, the latest last, without the secrets in what they say."""
    secrets = set(secrets)
    told = [f"{''.join(traceback.format_tb(e.__traceback__))}{redacted_error(e, secrets)}" for e in _chain(error)]
    trace = "\nwhich led to\n".join(reversed(told))
    return trace if len(trace) <= _LONGEST_TRACE else f"... {trace[-_LONGEST_TRACE:]}"


def bare_trace(error: BaseException) -> str:
    """Where an error came from, without any message: for when nobody can tell what is secret."""
    return "".join([*traceback.format_tb(error.__traceback__), type(error).__name__])


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    at: BaseException | None = error
    while at is not None and id(at) not in seen and len(seen) < _LONGEST_CHAIN:
        seen.add(id(at))
        yield at
        at = at.__cause__ or (None if at.__suppress_context__ else at.__context__)
