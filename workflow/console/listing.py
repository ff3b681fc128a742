"""Entities of a kind, one a line."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import tzinfo

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from workflow.console.layout import Trimmed
from workflow.console.times import day_and_time
from workflow.console.values import printable
from workflow.runtime.ports import Listed


def listing_view(listed: Sequence[Listed], *, more: bool, zone: tzinfo | None = None) -> RenderableType:
    """The lines as a table, their times in `zone` (None: the zone of this machine); ids are never cut."""
    if not listed:
        return Text("none", "dim")
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.add_column("id", overflow="fold")
    table.add_column("state", overflow="fold", style="cyan")
    table.add_column("version", justify="right", no_wrap=True)
    table.add_column("since", no_wrap=True, style="dim")
    for line in listed:
        cells = (Text(printable(line.id)), Text(printable(line.state)), Text(str(line.version)))
        table.add_row(*cells, day_and_time(line.changed_at, zone))
    tail = f"the first {len(listed):,}; there are more: --limit {len(listed) * 10}" if more else ""
    return Trimmed(Group(table, Text(tail or f"{len(listed):,} in all", "dim")))
