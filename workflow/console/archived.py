"""What archiving and hydrating came to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rich.text import Text

from workflow.console.effects import plural
from workflow.console.values import printable
from workflow.runtime.archives.archive import Archived
from workflow.runtime.archives.hydrated import Hydrated

_MOST_SHOWN = 20


def archived_lines(found: Archived, where: str) -> Iterator[Text]:
    """What could not be archived, and the counts."""
    yield from _wrong("not archived: ", found.broken, len(found.broken))
    counts = f"{_entities(found.entities)}, {plural(found.events, 'event')} in {plural(found.parts, 'part')}: "
    yield Text(printable(counts + where), "bold")


def hydrated_lines(found: Hydrated, aside: Mapping[str, int]) -> Iterator[Text]:
    """What was not loaded, what may surprise, and the counts; `aside` are those of lines that were put into files."""
    yield from _wrong("not loaded: ", found.told, found.wrong)
    for file, count in aside.items():
        yield Text(printable(f"{plural(count, 'line')} put aside in {file}, with why: mend them or the map"), "yellow")
    for version, count in sorted(found.unknown.items()):
        yield Text(printable(f"note: {_entities(count)} with events of {version}, which is not loaded here"), "yellow")
    if found.opened:
        yield Text(
            f"note: {plural(found.opened, 'event')} still owed effects when archived; they are not run", "yellow"
        )
    if found.placed:
        yield Text(f"{_entities(found.placed)} put back into lanes")
    there = f", {found.there:,} there already" if found.there else ""
    moved_on = f", {found.moved_on:,} there and moved on since" if found.moved_on else ""
    yield Text(f"{_entities(found.loaded)} loaded with {plural(found.events, 'event')}{there}{moved_on}", "bold")
    missing = f", {found.wrong:,} not" if found.wrong else ""
    yield Text(f"{_entities(found.checked)} read again and right{missing}", "bold red" if missing else "bold green")


def archived_form(found: Archived, where: str) -> dict[str, Any]:
    """The same for machines."""
    selection = {"kind": found.selection.kind or None, "since": found.selection.since}
    counts = {"entities": found.entities, "events": found.events, "parts": found.parts}
    return {"target": where, **selection, **counts, "broken": found.broken, "resumed": found.resumed}


def hydrated_form(found: Hydrated, aside: Mapping[str, int]) -> dict[str, Any]:
    """The same for machines."""
    names = ("lines", "loaded", "events", "there", "moved_on", "placed", "checked", "opened", "wrong", "told")
    counts = {name: getattr(found, name) for name in names}
    return {**counts, "unknown": dict(found.unknown), "put_aside": dict(aside)}


def _wrong(what: str, told: list[str], count: int) -> Iterator[Text]:
    for line in told[:_MOST_SHOWN]:
        yield Text(printable(what + line), "red")
    if count > _MOST_SHOWN:
        yield Text(f"... and {count - _MOST_SHOWN:,} more", "dim")


def _entities(count: int) -> str:
    return f"{count:,} entit{'y' if count == 1 else 'ies'}"
