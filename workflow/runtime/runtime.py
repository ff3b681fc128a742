"""What every use case is given: the definitions, the hooks and the ports."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from workflow.definition.definition import Definition, Definitions
from workflow.engine.events import Event
from workflow.errors import HistoryConflictError, UnknownKindError
from workflow.runtime.hooks import Hooks
from workflow.runtime.metering import NO_METER, Meter
from workflow.runtime.ports import Clock, Ledger, Store
from workflow.runtime.redact import quotable
from workflow.runtime.tracing import NO_TRACER, Tracer

if TYPE_CHECKING:
    from workflow.engine.machine import Machine
    from workflow.engine.placing import Placing
    from workflow.runtime.publish.port import Publisher


MAX_DEPTH = 16


@dataclass(frozen=True)
class Runtime:
    """Definitions, hooks and ports, put together once for a process. `max_depth`: how many effects may lead one to
    another; a cascade that is longer goes in a circle."""

    definitions: Definitions
    hooks: Hooks
    store: Store
    ledger: Ledger
    clock: Clock
    max_depth: int = MAX_DEPTH
    _machines: dict[tuple[str, int], Machine] = field(default_factory=dict, repr=False)
    _placings: dict[tuple[str, int], Placing] = field(default_factory=dict, repr=False)
    publisher: Publisher | None = None
    tracer: Tracer = NO_TRACER
    meter: Meter = NO_METER

    @property
    def region(self) -> str:
        """Which replica of a global table the store writes to; '' if its table is no global one."""
        return self.store.region

    def get_definition(self, kind: str) -> Definition:
        """The definition in force for the kind; raises UnknownKindError naming the kinds there are."""
        definition = self.definitions.find(kind) if isinstance(kind, str) else None
        if definition is None:
            raise UnknownKindError(f"no definition of kind {kind!r}{_did_you_mean(str(kind), self.definitions.kinds)}")
        return definition

    def machine(self, kind: str) -> Machine:
        """The state machine in force for the kind; raises UnknownKindError."""
        definition = self.get_definition(kind)
        key = (definition.kind, definition.version)
        machine = self._machines.get(key)
        if machine is None:
            # Imported late: the stream handler needs a machine only once a hook fires a trigger.
            from workflow.engine.machine import Machine

            machine = self._machines[key] = Machine(definition, self.hooks.guards)
        return machine

    def find_placing(self, kind: str) -> Placing | None:
        """The lanes in force for the kind; None if its definition has none. Raises UnknownKindError."""
        definition = self.get_definition(kind)
        if not definition.lanes:
            return None
        key = (definition.kind, definition.version)
        placing = self._placings.get(key)
        if placing is None:
            # As above: most kinds have no lane.
            from workflow.engine.placing import Placing

            placing = self._placings[key] = Placing(definition)
        return placing

    def get_event(self, kind: str, entity_id: str, version: int) -> Event:
        """The event that made the version; raises HistoryConflictError if the history has none."""
        event = self.store.find_event(kind, entity_id, version)
        if event is None:
            raise HistoryConflictError(
                f"{kind} {entity_id}: its history has no event {version}; the entity was changed by hand"
            )
        return event

    def secrets(self, kind: str, *values: Mapping[str, object]) -> list[str]:
        """The texts of the sensitive fields among the values, which must not reach a log.

        Sensitive is what any loaded version of the definition says is so.
        """
        names = {name for definition in self.definitions if definition.kind == kind for name in definition.sensitive}
        return [text for given in values for name in names for text in quotable(given.get(name))]


def _did_you_mean(name: str, known: tuple[str, ...]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    hint = f" (did you mean {near[0]!r}?)" if near else ""
    return f"{hint}; loaded: {', '.join(known) or 'none'}"
