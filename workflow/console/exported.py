"""What exporting came to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rich.text import Text

from workflow.console.effects import plural
from workflow.console.stats import broken_lines
from workflow.console.values import printable
from workflow.runtime.analytics.export import Exported


def exported_lines(found: Exported, where: str) -> Iterator[Text]:
    """What could not be read, what was written without payloads, and the counts."""
    yield from broken_lines(found.broken)
    for kind, count in sorted(found.unknown.items()):
        told = f"note: {_entities(count)} of kind {kind!r}, which has no definition here: without payloads"
        yield Text(printable(told), "yellow")
    counts = (
        f"{plural(found.transitions, 'transition')} of {_entities(found.entities)} in {plural(found.files, 'file')}"
    )
    yield Text(printable(f"{counts}: {where}"), "bold")


def exported_form(found: Exported, where: str) -> dict[str, Any]:
    """The same for machines."""
    counts = {name: getattr(found, name) for name in ("entities", "transitions", "files")}
    days, unknown = dict(sorted(found.days.items())), dict(sorted(found.unknown.items()))
    return {"target": where, **counts, "days": days, "unknown": unknown, "broken": found.broken}


def _entities(count: int) -> str:
    return f"{count:,} entit{'y' if count == 1 else 'ies'}"
