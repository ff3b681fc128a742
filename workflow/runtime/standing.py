"""How the effects of one entity stand against its history: settled, open, or begun by nobody. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from workflow.definition.definition import Definitions
from workflow.engine.entity import Entity
from workflow.engine.events import Event, evolve
from workflow.errors import DefinitionNotDeployedError
from workflow.runtime.changes import Change, owed_by
from workflow.runtime.compensate import with_undos
from workflow.runtime.ledger_entry import LedgerEntry
from workflow.runtime.missed import step_of
from workflow.runtime.records import EntityRecords


class Standing(NamedTuple):
    """One event that owes effects: which, by name (None: its definition is not loaded here), and its ledger entry. What
    undoes earlier effects is as the ledger stands now."""

    event: Event
    hooks: tuple[str, ...] | None
    entry: LedgerEntry | None

    @property
    def settled(self) -> bool:
        """Whether nothing is owed any more."""
        return self.entry is not None and self.entry.settled


def standings(records: EntityRecords, definitions: Definitions) -> list[Standing]:
    """One for each event that owes effects, in version order; raises FoldError at a gap in the history."""
    entries = {entry.version: entry for entry in records.entries}
    found = []
    for step, event in _steps(records.events):
        try:
            hooks = owed_by(definitions, step)
        except DefinitionNotDeployedError:
            hooks = None
        # The event says itself whether it owed anything when it was made; a definition only says what.
        if hooks != () and event.owing == event.version:
            owed = None if hooks is None else with_undos(hooks, records.entries, event.version)
            found.append(Standing(event, owed, entries.get(event.version)))
    return found


def first_open(found: Sequence[Standing]) -> Standing | None:
    """The first that is not settled: all later ones wait behind it."""
    return next((standing for standing in found if not standing.settled), None)


def _steps(events: Sequence[Event]) -> Iterator[tuple[Change, Event]]:
    entity: Entity | None = None
    for event in events:
        before = entity
        entity = evolve(before, event)
        yield step_of(event, before, entity), event
