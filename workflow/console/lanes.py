"""Lanes as a table: who runs in which slot, and who waits, best first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from workflow.console.effects import plural
from workflow.console.layout import Trimmed
from workflow.console.values import printable
from workflow.runtime.lane_ports import InLane
from workflow.runtime.lane_view import LaneView
from workflow.runtime.reason import span

_MOST_SHOWN = 20
"""So many of those that wait are shown of one lane, if there are more lanes than that one."""


def lanes_view(views: Sequence[LaneView], now: datetime) -> RenderableType:
    """The lanes as a table, a line for each entity, with lane and key on every line."""
    if not views:
        return Text("nobody runs or waits in a lane", "dim")
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.padding = (0, 1, 0, 0)
    for name in ("lane", "key", "limit", "entity", "place", "since"):
        table.add_column(name, no_wrap=name in ("limit", "place", "since"), overflow="fold")
    for view in views:
        for cells in _rows(view, now, len(view.waiting) if len(views) == 1 else _MOST_SHOWN):
            table.add_row(*cells)
    return Trimmed(Group(table, *_unknown(views), summary(views)))


def _rows(view: LaneView, now: datetime, most: int) -> Iterator[Sequence[Text]]:
    lane = (
        Text(printable(f"{view.lane.kind} {view.lane.lane}")),
        Text(printable(view.lane.key), "bold"),
        Text("?", "red") if view.limit is None else Text(str(view.limit)),
    )
    for row in view.running:
        above = view.limit is not None and row.place.slot > view.limit
        yield *lane, *_cells(row, Text(f"slot {row.place.slot}", "red" if above else "green"), now)
    for number, row in enumerate(view.waiting[:most], start=1):
        yield *lane, *_cells(row, Text(f"waits {number}", "yellow"), now)
    left = len(view.waiting[most:])
    if left or not view.is_whole:
        yield *lane, Text("..."), Text(f"{left:,}{'' if view.is_whole else '+'} more wait", "yellow"), Text()
    if not view.running and not view.waiting:
        yield *lane, Text("nobody", "dim"), Text(), Text()


def _cells(row: InLane, place: Text, now: datetime) -> tuple[Text, Text, Text]:
    return Text(printable(row.entity_id)), place, Text(f"{span(now - row.place.since)} ago", "dim")


def _unknown(views: Sequence[LaneView]) -> Iterator[Text]:
    for view in views:
        if view.unknown:
            yield Text(printable(f"{view.lane}: how many may run is not known: {view.unknown}"), "red")


def summary(views: Sequence[LaneView]) -> Text:
    """`2 lanes: 3 run, 5 wait`."""
    running, waiting = sum(len(view.running) for view in views), sum(len(view.waiting) for view in views)
    more = "" if all(view.is_whole for view in views) else "+"
    told = f"{running:,} {'runs' if running == 1 else 'run'}, {waiting:,}{more} {'waits' if waiting == 1 else 'wait'}"
    return Text(f"{plural(len(views), 'lane')}: {told}", "dim")
