"""Effects as lines: outcome in colour and as a symbol, attempts, time, and what went wrong."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from workflow.console.layout import Packed
from workflow.console.times import took
from workflow.console.values import printable, shorten
from workflow.runtime.ledger_entry import Outcome, Status

_LOOKS: dict[Status, tuple[str, str]] = {
    "done": ("✓", "green"),
    "caught": ("✓", "green"),
    "skipped": ("-", "yellow"),
    "failed": ("✗", "bold red"),
    "parked": ("!", "bold red"),
    "unknown": ("?", "bold red"),
    "owed": ("○", "yellow"),
}
_LONGEST_ERROR = 360
_WIDEST_HOOK = 30
_MOST_OTHERS = 3


def hook_width(hooks: Iterable[str]) -> int:
    """The width in which the names of these hooks stand one under the other; a very long one folds."""
    return min(_WIDEST_HOOK, max(map(len, hooks), default=0))


def effect_view(hook: str, outcome: Outcome, width: int) -> RenderableType:
    """Symbol, hook, outcome, attempts and time on one line, and what went wrong in the last attempt beneath it."""
    symbol, style = _LOOKS[outcome.status]
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(width=1)
    grid.add_column(min_width=width, max_width=_WIDEST_HOOK, overflow="fold")
    for least in (6, 10, 6):
        grid.add_column(min_width=least, no_wrap=True)
    attempts = plural(outcome.attempts, "attempt") if outcome.attempts else ""
    duration = took(outcome.took_ms) if outcome.at else ""
    standing = (Text(outcome.status, style), Text(attempts, "dim"), Text(duration, "dim"))
    grid.add_row(Text(symbol, style), Text(printable(hook)), *standing)
    told = [Packed([text]) for text in _told(outcome)]
    return Group(grid, Padding(Group(*told), (0, 0, 0, 3), expand=False)) if told else grid


def _told(outcome: Outcome) -> Iterator[Text]:
    """What was done about it, its last error, and other errors before that one."""
    if outcome.note:
        yield Text(shorten(outcome.note, _LONGEST_ERROR), "yellow")
    if outcome.error:
        yield Text(shorten(outcome.error, _LONGEST_ERROR), "red")
    others = dict.fromkeys(attempt.error for attempt in outcome.earlier if not outcome.error.startswith(attempt.error))
    for error in list(others)[-_MOST_OTHERS:]:
        yield Text(f"before: {shorten(error)}", "dim")


def plural(count: int, word: str) -> str:
    """`1 attempt`, `2 attempts`."""
    return f"{count:,} {word}" + ("" if count == 1 else "s")


def tally(outcomes: Iterable[Outcome]) -> str:
    """`3 done, 1 failed`, without what there is none of; '' for no effects at all."""
    statuses = [outcome.status for outcome in outcomes]
    counts = {status: statuses.count(status) for status in _LOOKS}
    return ", ".join(f"{count} {status}" for status, count in counts.items() if count)
