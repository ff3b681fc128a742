"""Keeping sensitive values out of what people and logs get to read."""

from __future__ import annotations

import traceback
from collections.abc import Iterable

HIDDEN = "[hidden]"


def redact(text: str, secrets: Iterable[str]) -> str:
    """The text with every occurrence of a secret replaced."""
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    return text


def redacted_trace(error: BaseException, secrets: Iterable[str]) -> str:
    """The traceback of an error as text, without the secrets that its messages may quote."""
    return redact("".join(traceback.format_exception(error)), secrets)
