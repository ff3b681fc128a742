"""Why an entity is where it is, told for a person: the reason that matters first, then the way out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import tzinfo

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from workflow.console.effects import plural
from workflow.console.entity import ways_out
from workflow.console.entity_history import EntityHistory
from workflow.console.history import standing, title
from workflow.console.layout import Trimmed, columns
from workflow.console.parked import hook_of
from workflow.console.times import day_and_time, took
from workflow.console.values import printable, shorten
from workflow.definition.definition import Definitions
from workflow.runtime.explain import Explanation
from workflow.runtime.ledger_entry import LedgerEntry, Outcome
from workflow.runtime.reason import due_in
from workflow.runtime.standing import Standing

_LONGEST_ERROR = 360
_MOST_WAITING = 10


def explanation_view(
    told: Explanation, definitions: Definitions, *, trace: bool = False, zone: tzinfo | None = None
) -> RenderableType:
    """The explanation as one renderable; with the traceback of the last attempt if a person is waited for, or if it is
    asked for."""
    shown = EntityHistory(told.entity.kind, told.entity.id, told.entity, [], {}, (), definitions)
    sections = Table.grid(padding=(0, 2, 0, 0))
    sections.add_column(style="dim", min_width=len("behind it"))
    sections.add_column(overflow="fold")
    for label, view in _sections(told, definitions, trace, zone):
        sections.add_row()
        sections.add_row(label, view)
    return Trimmed(Group(title(shown), standing(shown, zone), sections))


def _sections(
    told: Explanation, definitions: Definitions, trace: bool, zone: tzinfo | None
) -> Iterator[tuple[str, RenderableType]]:
    for number, reason in enumerate(told.reasons):
        yield "also" if number else "why", Text(printable(reason.what), "" if number else "bold")
        if reason.way_out:
            yield "way out", Text(printable(reason.way_out), "cyan")
    entry = told.blocking.entry if told.blocking else None
    outcome = blocked(entry)
    if entry and outcome and outcome.attempts_failed:
        yield "attempts", columns(_attempts(outcome, zone), right=(1,))
    if outcome and outcome.trace and (trace or (entry and entry.parked and entry.parked.next_at is None)):
        yield "trace", Text("\n".join(printable(line) for line in outcome.trace.splitlines()), "dim")
    if told.waiting:
        yield "behind it", Group(*_waiting(told.waiting))
    if told.timer and not told.timer.refused:
        yield "timer", Text(printable(f"fires {told.timer.trigger!r} {due_in(told.timer.at, told.now)}"))
    yield "can fire", ways_out(definitions.find(told.entity.kind), told.entity.state)


def blocked(entry: LedgerEntry | None) -> Outcome | None:
    """How the effect stands at which the entity is held up."""
    return entry.outcomes.get(hook_of(entry)) if entry else None


def _attempts(outcome: Outcome, zone: tzinfo | None) -> list[tuple[Text, Text, Text]]:
    return [
        (
            Text(day_and_time(attempt.at, zone), "dim"),
            Text(took(attempt.took_ms), "dim"),
            Text(shorten(attempt.error, _LONGEST_ERROR), "red"),
        )
        for attempt in outcome.attempts_failed
    ]


def _waiting(waiting: Sequence[Standing]) -> Iterator[Text]:
    for behind in waiting[:_MOST_WAITING]:
        hooks = "not known here" if behind.hooks is None else ", ".join(behind.hooks)
        yield Text(printable(f"version {behind.event.version}: {hooks}"))
    if len(waiting) > _MOST_WAITING:
        yield Text(f"{plural(len(waiting) - _MOST_WAITING, 'more event')} with effects", "dim")
