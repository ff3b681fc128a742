"""Names of effects that take others back: `cancel_flight@2.book_flight` undoes `book_flight` of version 2. Pure."""

from __future__ import annotations

import re

_UNDO = re.compile(r"([a-z][a-z0-9_]*)@([1-9][0-9]*)\.(.+)", re.DOTALL)


def undo_name(hook: str, version: int, effect: str) -> str:
    """The name of the effect that runs the hook to take back that effect of the event of that version."""
    return f"{hook}@{version}.{effect}"


def undone_effect(effect: str) -> tuple[int, str]:
    """Version and name of the effect that an effect of that name takes back; 0 and '' if it takes back none."""
    found = _UNDO.fullmatch(effect)
    return (int(found[2]), found[3]) if found else (0, "")


def hook_of(effect: str) -> str:
    """The hook that runs for an effect of that name."""
    # Asked for each effect that runs, and hardly any undoes another.
    found = _UNDO.fullmatch(effect) if "@" in effect else None
    return found[1] if found else effect
