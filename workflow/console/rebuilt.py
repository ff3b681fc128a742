"""What a rebuild came to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rich.text import Text

from workflow.console.effects import plural
from workflow.console.values import printable
from workflow.runtime.rebuild import Rebuilt

_MOST_SHOWN = 20


def rebuilt_lines(found: Rebuilt) -> Iterator[Text]:
    """The entities that were left where the projection failed, where the first error came from, and the counts."""
    for told in found.told[:_MOST_SHOWN]:
        yield Text(printable(f"failed: {told}"), "red")
    if found.failed > _MOST_SHOWN:
        yield Text(f"... and {found.failed - _MOST_SHOWN:,} more", "dim")
    if found.trace:
        yield Text("the first of these errors came from:", "dim")
        yield from (Text(printable(f"  {line}"), "dim") for line in found.trace.splitlines())
    failed = f", {found.failed:,} failed" if found.failed else ""
    counts = f"{found.projection}: {_entities(found.entities)} of {', '.join(found.kinds)} rebuilt with "
    yield Text(printable(f"{counts}{plural(found.events, 'event')}{failed}"), "bold red" if failed else "bold green")


def rebuilt_form(found: Rebuilt) -> dict[str, Any]:
    """The same for machines."""
    names = ("projection", "looked_at", "entities", "events", "failed", "told")
    return {**{name: getattr(found, name) for name in names}, "kinds": list(found.kinds)}


def _entities(count: int) -> str:
    return f"{count:,} entit{'y' if count == 1 else 'ies'}"
