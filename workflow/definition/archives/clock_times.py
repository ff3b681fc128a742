"""Formats and zones of an old system's times: which there are."""

from __future__ import annotations

import re
import zoneinfo
from datetime import datetime

from workflow.definition.suggestions import find_closest

_SAMPLE = datetime(1987, 11, 24, 13, 46, 58, 250000)


def find_problem(format: str) -> str:
    """What is wrong with a format with `%`; '' if it tells one day from another."""
    try:
        read = datetime.strptime(_SAMPLE.strftime(format), format)
    except (ValueError, re.error):
        return "is no format of times"
    return "" if read.date() == _SAMPLE.date() else "does not say year, month and day"


def is_zone(name: str) -> bool:
    """Whether there is a time zone of that name on this machine."""
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def ways_to_zone(name: str) -> str:
    """What was probably meant."""
    closest = find_closest(name, zoneinfo.available_timezones())
    return (f"did you mean {closest!r}? " if closest else "") + "write one such as Europe/Berlin"
