"""A workflow in memory with hooks that take notes, delivered change by change as a test wants it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from tests.fakes.clock import FakeClock
from tests.fakes.hooks import Notebook
from tests.fakes.stores import FaultyStore
from tests.samples import ORDER, definitions, entering
from workflow import Workflow
from workflow.definition.definition import Definition
from workflow.runtime.changes import Change
from workflow.runtime.deliver import Delivered, Deliverer

HOOKED = entering(ORDER, placed=["greet"], paid=["receipt", "loyalty"], shipped=["notify"])


@dataclass
class Bench:
    """One application and its deliverer."""

    definition: Definition = HOOKED
    clock: FakeClock = field(default_factory=FakeClock)
    store: FaultyStore = field(default_factory=FaultyStore)
    notes: Notebook = field(default_factory=lambda: Notebook("greet", "receipt", "loyalty", "notify"))
    workers: int = 4

    def __post_init__(self) -> None:
        self.flow = Workflow(definitions(self.definition), self.store, handlers=self.notes.handlers, clock=self.clock)
        self.deliverer = Deliverer(self.flow.runtime, workers=self.workers)

    def deliver(self, *changes: Change) -> Delivered:
        """Delivers the changes as one invocation that may last a minute; all there are if none are given."""
        given: Sequence[Change] = changes or self.store.changes()
        return self.deliverer.deliver(given, until=self.clock.now() + timedelta(minutes=1))

    def paid(self, entity_id: str = "42", **data: object) -> list[Change]:
        """An order placed and paid: its two changes."""
        already = len(self.store.changes())
        self.flow.create("order", entity_id, data)
        self.flow.fire("order", entity_id, "pay", {"amount": 1000})
        return list(self.store.changes(already))

    def statuses(self, entity_id: str = "42") -> list[tuple[int, str, str, int]]:
        """The ledger: (version, hook, status, attempts)."""
        return [
            (entry.version, hook, outcome.status, outcome.attempts)
            for entry in self.flow.effects("order", entity_id)
            for hook, outcome in entry.outcomes.items()
        ]
