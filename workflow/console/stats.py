"""What was counted of a kind: as tables, and in the form that `--json` gives."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import tzinfo
from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from workflow.console.effects import plural
from workflow.console.layout import Trimmed
from workflow.console.times import day_and_time, stay, took
from workflow.console.values import printable
from workflow.runtime.analytics.histories import MOST_TOLD
from workflow.runtime.analytics.stats import HookStats, StateStats, Stats

_BAR = 20


def stats_view(stats: Stats, *, zone: tzinfo | None = None) -> RenderableType:
    """How far entities come, how long they stay where, by which triggers, and what their hooks did."""
    heading = Text(printable(_heading(stats, zone)), "bold")
    if not stats.entities:
        return heading
    parts = [heading, *_titled("how far they came", _reached(stats)), *_titled("how long they stayed", _stayed(stats))]
    parts += _titled("transitions", _ways(stats))
    if stats.hooks:
        parts += _titled("hooks", _hooks(stats.hooks))
    elif stats.hooks is None:
        parts += [Text(), Text("hooks: an archive does not tell what became of effects", "dim")]
    return Trimmed(Group(*parts))


def _heading(stats: Stats, zone: tzinfo | None) -> str:
    since = f" since {day_and_time(stats.since, zone)}" if stats.since else ""
    until = f" until {day_and_time(stats.until, zone)}" if stats.until else ""
    created = f" created{since}{until}" if since or until else ""
    entities = f"{stats.entities:,} entit{'y' if stats.entities == 1 else 'ies'}"
    return f"{stats.kind}: {entities}{created}, {plural(stats.transitions, 'transition')}"


def _titled(title: str, table: Table) -> Iterator[RenderableType]:
    yield Text()
    yield Text(title, "bold")
    yield table


def _table(first: str, names: Sequence[str], left: Iterable[str] = ()) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.add_column(first, overflow="fold")
    for name in names:
        table.add_column(name, justify="left" if name in left else "right", no_wrap=name not in left)
    return table


def _reached(stats: Stats) -> Table:
    table = _table("state", ("reached", "share", "", "there now", "for up to"), left=("",))
    for state in stats.states:
        share = stats.share(state)
        bar = Text("█" * round(share * _BAR), "cyan")
        there = _count(state.there) if state.there else ""
        longest = "" if state.is_final else _seconds(state.longest_there)
        table.add_row(_name(state), _count(state.reached), f"{share:.0%}", bar, there, longest)
    return table


def _stayed(stats: Stats) -> Table:
    table = _table("state", ("left", "p50", "p90", "p99", "longest"))
    for state in stats.states:
        if state.left:
            about = "" if state.is_exact else "~ "
            percentiles = [about + _seconds(seconds) for seconds in (state.p50, state.p90, state.p99)]
            table.add_row(_name(state), _count(state.left), *percentiles, _seconds(state.longest))
    return table


def _ways(stats: Stats) -> Table:
    table = _table("trigger", ("from", "to", "count"), left=("from", "to"))
    for way, count in stats.ways:
        table.add_row(*(Text(printable(name)) for name in way), _count(count))
    return table


def _hooks(hooks: Sequence[HookStats]) -> Table:
    table = _table("hook", ("effects", "runs", "failed", "put aside", "caught", "skipped", "p50"))
    for hook in hooks:
        failed = Text(_count(hook.failed), "red" if hook.failed else "dim")
        parked = Text(_count(hook.parked), "bold red" if hook.parked else "dim")
        took_ms = "" if hook.p50_ms is None else took(round(hook.p50_ms))
        counts = (_count(hook.effects), _count(hook.runs), failed, parked, _count(hook.caught), _count(hook.skipped))
        table.add_row(Text(printable(hook.hook)), *counts, took_ms)
    return table


def _name(state: StateStats) -> Text:
    return Text(printable(state.state), "cyan")


def _count(number: int) -> str:
    return f"{number:,}"


def _seconds(seconds: float | None) -> str:
    return "" if seconds is None else lasted(seconds)


def lasted(seconds: float) -> str:
    """A length of time in the unit that suits: `12 ms`, `1.2 s`, `40 s`, `1 d 12 h`."""
    return took(round(seconds * 1000)) if seconds < 10 else stay(round(seconds))


def broken_lines(broken: Sequence[str]) -> Iterator[Text]:
    """What could not be read, the first of it."""
    for line in broken[:MOST_TOLD]:
        yield Text(printable(f"left out: {line}"), "red")
    if len(broken) > MOST_TOLD:
        yield Text(f"... and {len(broken) - MOST_TOLD:,} more", "dim")


def stats_form(stats: Stats, broken: Sequence[str]) -> dict[str, Any]:
    """The same for machines; lengths of time are in seconds, but for those of runs."""
    hooks = None if stats.hooks is None else [hook._asdict() for hook in stats.hooks]
    return {
        "kind": stats.kind,
        "at": stats.at,
        "since": stats.since,
        "until": stats.until,
        "entities": stats.entities,
        "transitions": stats.transitions,
        "states": [_state_form(stats, state) for state in stats.states],
        "ways": [
            {"trigger": way.trigger, "from": way.source or None, "to": way.target, "count": count}
            for way, count in stats.ways
        ],
        "hooks": hooks,
        "broken": list(broken),
    }


def _state_form(stats: Stats, state: StateStats) -> dict[str, Any]:
    return {
        "state": state.state,
        "reached": state.reached,
        "share": round(stats.share(state), 6),
        "there_now": state.there,
        "longest_there_seconds": state.longest_there,
        "left": state.left,
        "p50_seconds": state.p50,
        "p90_seconds": state.p90,
        "p99_seconds": state.p99,
        "longest_seconds": state.longest,
        "is_final": state.is_final,
        "is_exact": state.is_exact,
    }
