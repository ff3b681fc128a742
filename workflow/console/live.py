"""Lines of `workflow dev` as they happen, coloured by what they tell."""

from __future__ import annotations

from datetime import datetime, tzinfo

from rich.text import Text

from workflow.console.times import time_of_day
from workflow.console.values import printable

_STYLES = (
    ("    !", "bold red"),
    ("    |", "dim"),
    ("not deployed", "bold red"),
    ("ready", "bold green"),
    ("deployed", "green"),
    ("changed", "yellow"),
    ("stopped", "dim"),
)


def live_text(line: str, at: datetime, zone: tzinfo | None = None) -> Text:
    """The line (or lines) after the time of day; whatever a log put into it, it does not steer the terminal."""
    style = next((style for start, style in _STYLES if line.startswith(start)), "")
    lines = [Text(printable(part.expandtabs()), style) for part in line.split("\n")]
    return Text("\n").join([Text.assemble((time_of_day(at, zone), "dim"), "  ", part) for part in lines])
