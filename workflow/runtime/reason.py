"""What holds an entity up, and the words it is told in: moments, spans, and lines to copy into a shell."""

from __future__ import annotations

import shlex
from datetime import datetime, timedelta
from typing import NamedTuple

from workflow.definition.durations import written

RESTORE = "restore it from its history or a backup"


class Reason(NamedTuple):
    """One thing that holds an entity up, or that it waits for: what, and the way out ('' if there is nothing to do)."""

    what: str
    way_out: str = ""


def command(*words: str) -> str:
    """A line for a shell: `workflow redrive order 42`; a strange id is quoted, since people copy the line."""
    verb, *arguments = words
    dashes = ["--"] if any(argument.startswith("-") for argument in arguments) else []
    return shlex.join(["workflow", verb, *dashes, *arguments])


def at(moment: datetime) -> str:
    """A moment as people write it, to the second."""
    return f"{moment:%Y-%m-%d %H:%M:%S}Z"


def due_in(moment: datetime, now: datetime) -> str:
    """`in 5m`, or that its time has come."""
    return f"in {span(moment - now)}" if moment > now else "with the next sweep"


def ago(now: datetime, moment: datetime) -> str:
    """How long before `now` a moment was."""
    return f"{span(now - moment)} ago"


def span(length: timedelta) -> str:
    """A length of time as people write it, to the minute from an hour on."""
    seconds = max(0, int(length.total_seconds()))
    return written(seconds if seconds < 3600 else seconds // 60 * 60)
