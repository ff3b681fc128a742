"""What an event that compensates should have undone, held against what it did. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from workflow.definition.undo_names import undone_effect
from workflow.runtime.standing import Standing

BY_HAND = "take it back by hand"


def wrong_undos(standing: Standing) -> Iterator[tuple[str, str]]:
    """What is wrong with them, and the way out, '' if there is none."""
    entry, version = standing.entry, standing.event.version
    if entry is None or standing.hooks is None or (entry.parked and not entry.outcomes):
        return
    wanted, recorded = undos_among(standing.hooks), undos_among(entry.outcomes)
    for name in wanted:
        if name not in recorded:
            yield f"version {version} compensates and does not undo {_told(name)}", BY_HAND
    for name in recorded:
        if name not in wanted:
            yield f"version {version} undoes {_told(name)}, which was not done, or undone before", ""
    if wanted != recorded and sorted(wanted) == sorted(recorded):
        yield f"version {version} compensates, and not the last first", ""


def undos_among(effects: Iterable[str]) -> list[str]:
    """Those of the effects that undo others."""
    return [name for name in effects if undone_effect(name)[1]]


def _told(undo: str) -> str:
    version, effect = undone_effect(undo)
    return f"{effect!r} of version {version}"
