"""Histories made by hand, with round numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from workflow.engine.events import Event
from workflow.runtime.analytics.histories import History
from workflow.runtime.ledger_entry import LedgerEntry, Outcome, Parked

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


def history(
    entity_id: str,
    *steps: tuple[Any, ...],
    kind: str = "order",
    entries: Sequence[LedgerEntry] | None = (),
) -> History:
    """Of steps (seconds after noon, trigger, state that it leads to), and perhaps what else the event says."""
    events: list[Event] = []
    for version, (seconds, trigger, target, *said) in enumerate(steps, 1):
        source, at = events[-1].target if events else "", NOON + timedelta(seconds=seconds)
        (more,) = said or [{}]
        events.append(Event(kind, entity_id, version, f"{entity_id}-{version}", trigger, source, target, at, 1, **more))
    return History(kind, entity_id, events, entries)


def entry(version: int, parked: str | None = None, **outcomes: Outcome) -> LedgerEntry:
    """The ledger of one version; `parked`: put aside at that hook, '' at the first open one."""
    aside = None if parked is None else Parked(parked, "attempts", NOON, None)
    return LedgerEntry("order", "1", version, "", NOON, outcomes, aside)


class Told:
    """Histories as they are given, and what could not be read."""

    def __init__(self, some: Iterable[History], broken: Sequence[str] = ()) -> None:
        self._some, self._broken = list(some), broken
        self.total = len(self._some)

    def each(
        self, take: Callable[[History], None], on_progress: Callable[[int], None] = lambda entities: None
    ) -> Sequence[str]:
        for one in self._some:
            take(one)
        return self._broken
