"""What there is to tell about one entity, brought together: events, the effects they owe, and violations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from workflow.application import Workflow
from workflow.console.values import hide, secrets_in
from workflow.definition.definition import Definition, Definitions
from workflow.definition.values import Value
from workflow.engine.entity import Entity
from workflow.engine.events import Event
from workflow.errors import EntityNotFoundError
from workflow.runtime.compensate import with_undos
from workflow.runtime.ledger_entry import LedgerEntry, Outcome
from workflow.runtime.ports import Violation


@dataclass(frozen=True)
class EntityHistory:
    """One entity (None if there is none any more) with events of its history, the ledger and the violations.

    `earlier` events stand before the first one here. Unless `revealed`, `data_of`, `payload_of` and `changes_of` give
    the values without what any version of the definition calls sensitive.
    """

    kind: str
    id: str
    entity: Entity | None
    events: Sequence[Event]
    ledger: Mapping[int, LedgerEntry]
    violations: Sequence[Violation]
    definitions: Definitions
    revealed: bool = False

    @property
    def earlier(self) -> int:
        """How many events are left out before the first one."""
        return self.events[0].version - 1 if self.events else 0

    @property
    def definition(self) -> Definition | None:
        """The definition in force."""
        return self.definitions.find(self.kind)

    def effects(self, event: Event) -> Mapping[str, Outcome]:
        """How each effect of the event stands, in the order they run; those nobody began yet are owed."""
        entry = self.ledger.get(event.version)
        return entry.outcomes if entry else dict.fromkeys(self._owed(event), Outcome())

    def _owed(self, event: Event) -> tuple[str, ...]:
        definition = self.definitions.find(self.kind, event.definition) or self.definition
        owed = definition.edges.get((event.trigger, event.source, event.target), ()) if definition else ()
        return with_undos(owed, (entry for _, entry in sorted(self.ledger.items())), event.version)

    @property
    def parked(self) -> LedgerEntry | None:
        """Where the entity is put aside, if it is."""
        return next((entry for _, entry in sorted(self.ledger.items()) if entry.parked), None)

    def open_effects(self) -> Iterable[tuple[int, str, Outcome]]:
        """Version, hook and standing of every effect that is not settled, of these events and all of the ledger."""
        standing = {version: entry.outcomes for version, entry in self.ledger.items()}
        standing |= {event.version: self.effects(event) for event in self.events}
        for version in sorted(standing):
            for hook, outcome in standing[version].items():
                if not outcome.settled:
                    yield version, hook, outcome

    def data_of(self, entity: Entity) -> Mapping[str, Value]:
        """The entity's data, fit to be shown."""
        return entity.data if self.revealed else hide(entity.data, self._sensitive, self._secrets)

    def payload_of(self, event: Event) -> Mapping[str, Value]:
        """The event's payload, fit to be shown; a secret is hidden under whatever name it stands there."""
        return event.payload if self.revealed else hide(event.payload, self._sensitive, self._secrets)

    def changes_of(self, event: Event) -> Mapping[str, Value]:
        """The event's changes, fit to be shown."""
        return event.changes if self.revealed else hide(event.changes, self._sensitive, self._secrets)

    @cached_property
    def _secrets(self) -> frozenset[str]:
        holders = [values for event in self.events for values in (event.changes, event.payload)]
        holders += [self.entity.data] if self.entity else []
        return frozenset[str]().union(*(secrets_in(values, self._sensitive) for values in holders))

    @cached_property
    def _sensitive(self) -> frozenset[str]:
        named = (definition.sensitive for definition in self.definitions if definition.kind == self.kind)
        return frozenset[str]().union(*named)


def read_history(
    flow: Workflow, kind: str, id: str, *, latest: int | None = None, revealed: bool = False
) -> EntityHistory:
    """All there is of one entity, or only its latest events; raises EntityNotFoundError if there is nothing."""
    entity = flow.find(kind, id)
    after = max(0, entity.version - latest) if entity and latest else 0
    events = flow.history(kind, id, after=after)
    violations = flow.violations(kind, id)
    if entity is None and not events and not violations:
        raise EntityNotFoundError(f"there is no {kind} {id}")
    ledger = {entry.version: entry for entry in flow.effects(kind, id)}
    shown = events[-latest:] if latest else events
    return EntityHistory(kind, id, entity, shown, ledger, violations, flow.definitions, revealed=revealed)
