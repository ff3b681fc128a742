"""What is put aside and which hooks are paused, one a line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, tzinfo

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from workflow.console.layout import OneLine, Trimmed
from workflow.console.times import day_and_time
from workflow.console.values import printable
from workflow.runtime.ledger_entry import LedgerEntry, Parked, Why
from workflow.runtime.ports import Pause
from workflow.runtime.reason import span

NEXT_SWEEP = "with the next sweep, within a minute"

WHY: Mapping[Why, str] = {
    "attempts": "attempts spent",
    "refused": "refused",
    "unknown": "a run was cut off",
    "broken": "history unreadable",
    "retry": "failed",
    "released": "let go",
    "paused": "hook paused",
    "following": "catching up",
    "definition": "not deployed",
    "lost": "reconciled",
}


def in_order(entries: Sequence[LedgerEntry]) -> list[LedgerEntry]:
    """Those that wait for a person first, then by how long they wait."""
    return sorted(entries, key=lambda entry: (not for_person(entry), entry.parked.since if entry.parked else None))


def for_person(entry: LedgerEntry) -> bool:
    """Whether it goes on only when a person says so."""
    return entry.parked is not None and entry.parked.next_at is None


def parked_view(entries: Sequence[LedgerEntry], now: datetime) -> RenderableType:
    """The entries as a table, the error of each cut to the width there is."""
    if not entries:
        return Text("nothing is put aside", "dim")
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.padding = (0, 1, 0, 0)
    for name in ("entity", "version", "hook", "why", "tries", "since", "next try"):
        number = name in ("version", "tries")
        table.add_column(name, no_wrap=name != "entity", overflow="fold", justify="right" if number else "left")
    table.add_column("error")
    for entry in entries:
        if entry.parked:
            table.add_row(*_cells(entry, entry.parked, now))
    return Trimmed(Group(table, summary(entries)))


def _cells(entry: LedgerEntry, parked: Parked, now: datetime) -> list[RenderableType]:
    hook, person = hook_of(entry), parked.next_at is None
    attempts = entry.outcomes[hook].attempts if hook in entry.outcomes else 0
    return [
        Text(printable(f"{entry.kind} {entry.entity_id}"), "bold"),
        Text(str(entry.version)),
        Text(printable(hook)),
        Text(WHY[parked.why], "red" if person else "yellow"),
        Text(str(attempts)),
        Text(f"{span(now - parked.since)} ago", "dim"),
        Text("by hand", "red") if parked.next_at is None else Text(_next_try(parked.next_at, now)),
        OneLine(Text(printable(parked.error), "red")),
    ]


def _next_try(next_at: datetime, now: datetime) -> str:
    return f"in {span(next_at - now)}" if next_at > now else "next sweep"


def hook_of(entry: LedgerEntry) -> str:
    """The hook at which the entity was put aside, '' where none is open."""
    return (entry.parked.hook if entry.parked else "") or entry.first_open


def summary(entries: Sequence[LedgerEntry]) -> Text:
    """`3 put aside: 1 waits for a person, 2 go on by themselves`."""
    people = sum(map(for_person, entries))
    others = len(entries) - people
    told = [
        f"{people:,} {'waits' if people == 1 else 'wait'} for a person" if people else "",
        f"{others:,} {'goes on by itself' if others == 1 else 'go on by themselves'}" if others else "",
    ]
    return Text(f"{len(entries):,} put aside: {', '.join(filter(None, told))}", "bold red" if people else "dim")


def line(entry: LedgerEntry) -> str:
    """`order 42 version 2 charge_loyalty`: one that was let go, or is to be."""
    return printable(f"{entry.kind} {entry.entity_id} version {entry.version} {hook_of(entry)}".rstrip())


def pauses_view(pauses: Sequence[Pause], zone: tzinfo | None = None) -> RenderableType:
    """The paused hooks as a table."""
    if not pauses:
        return Text("no hook is paused", "dim")
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for name in ("hook", "since", "by", "reason"):
        table.add_column(name, overflow="fold")
    for pause in pauses:
        by, reason = Text(printable(pause.by)), Text(printable(pause.reason))
        table.add_row(Text(printable(pause.hook), "bold"), day_and_time(pause.since, zone), by, reason)
    return Trimmed(table)
