"""Durations as people write them: `30m`, `1h30m`, `0.5s`, `1d`, or ISO 8601 (`PT30M`)."""

from __future__ import annotations

import re
from decimal import Decimal

PATTERN = (
    r"^(?=.*\d)(?:(?:\d{1,9}d)?(?:\d{1,9}h)?(?:\d{1,9}m)?(?:\d{1,9}(?:\.\d{1,3})?s)?"
    r"|P(?:\d{1,9}W)?(?:\d{1,9}D)?(?:T(?:\d{1,9}H)?(?:\d{1,9}M)?(?:\d{1,9}(?:\.\d{1,3})?S)?)?)$"
)
"""What a duration looks like, for editors; `seconds` is the judge."""

LONGEST_SECONDS = 10 * 366 * 86_400
"""Ten years: a longer wait is a slip of the pen."""

_SHORT = re.compile(r"(?:(\d{1,9})d)?(?:(\d{1,9})h)?(?:(\d{1,9})m)?(?:(\d{1,9}(?:\.\d{1,3})?)s)?", re.ASCII)
_ISO = re.compile(
    r"P(?:(\d{1,9})W)?(?:(\d{1,9})D)?(?:T(?:(\d{1,9})H)?(?:(\d{1,9})M)?(?:(\d{1,9}(?:\.\d{1,3})?)S)?)?", re.ASCII
)
_SHORT_SECONDS = (86_400, 3_600, 60, 1)
_ISO_SECONDS = (604_800, 86_400, 3_600, 60, 1)


def seconds(text: str) -> Decimal:
    """The duration in seconds, more than zero and at most ten years; raises ValueError saying what to write."""
    short, iso = _SHORT.fullmatch(text), _ISO.fullmatch(text)
    if short and text:
        total = _sum(short.groups(), _SHORT_SECONDS)
    elif iso and text[-1].isalpha() and text not in {"P", "PT"} and not text.endswith("T"):
        total = _sum(iso.groups(), _ISO_SECONDS)
    else:
        raise ValueError(f"{_shown(text)} is not a duration; write one such as 30s, 30m, 1h30m, 1d or PT30M")
    if not 0 < total <= LONGEST_SECONDS:
        raise ValueError(f"{_shown(text)} is out of range; write more than 0 seconds and at most 10 years")
    return total


def whole_seconds(text: str) -> int:
    """The duration in whole seconds; raises ValueError for a fraction too."""
    total = seconds(text)
    if total != int(total):
        raise ValueError(f"{_shown(text)} is not a whole number of seconds; timers are due to the second")
    return int(total)


def _sum(amounts: tuple[str | None, ...], unit_seconds: tuple[int, ...]) -> Decimal:
    return sum((Decimal(n) * unit for n, unit in zip(amounts, unit_seconds, strict=True) if n), Decimal(0))


def _shown(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:37] + "...")


def written(total_seconds: int) -> str:
    """The duration as people write it: 5400 gives `1h30m`."""
    parts: list[str] = []
    for unit_seconds, unit in zip(_SHORT_SECONDS, "dhms", strict=True):
        amount, total_seconds = divmod(total_seconds, unit_seconds)
        if amount:
            parts.append(f"{amount}{unit}")
    return "".join(parts) or "0s"
