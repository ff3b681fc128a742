"""A workflow in memory with hooks that take notes, delivered change by change as a test wants it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from tests.fakes.clock import FakeClock
from tests.fakes.hooks import Notebook
from tests.fakes.stores import FaultyStore
from tests.fakes.uses import LATER, using
from tests.samples import ORDER, definitions, entering
from workflow import Effect, Workflow
from workflow.definition.definition import Definition
from workflow.runtime.changes import Change
from workflow.runtime.deliver import Delivered, Deliverer
from workflow.runtime.ledger_entry import LedgerEntry
from workflow.runtime.sweep import Sweeper

HOOKED = using(entering(ORDER, placed=["greet"], paid=["receipt", "loyalty"], shipped=["notify"]), retry=LATER)


@dataclass
class Bench:
    """One application and its deliverer."""

    definition: Definition = HOOKED
    clock: FakeClock = field(default_factory=FakeClock)
    store: FaultyStore = field(default_factory=FaultyStore)
    notes: Notebook = field(default_factory=lambda: Notebook("greet", "receipt", "loyalty", "notify"))
    workers: int = 4
    probes: Sequence[Callable[[Effect], object]] = ()

    def __post_init__(self) -> None:
        handlers = [*self.notes.handlers, *self.probes]
        self.flow = Workflow(definitions(self.definition), self.store, handlers=handlers, clock=self.clock)
        self.deliverer = Deliverer(self.flow.runtime, workers=self.workers)

    def deliver(self, *changes: Change) -> Delivered:
        """Delivers the changes as one invocation that may last a minute; all there are if none are given."""
        given: Sequence[Change] = changes or self.store.changes()
        return self.deliverer.deliver(given, until=self.clock.now() + timedelta(minutes=1))

    def sweep(self, *, after: float = 0) -> Delivered:
        """What the sweeper does once so many seconds have passed."""
        self.clock.advance(after)
        sweeper = Sweeper(self.flow.runtime, workers=self.workers)
        return sweeper.sweep(until=self.clock.now() + timedelta(minutes=1))

    def deploy(self, *some: Definition) -> None:
        """Puts other definitions into force."""
        object.__setattr__(self.flow.runtime, "definitions", definitions(*some))

    def entry(self, version: int = 2, entity_id: str = "42") -> LedgerEntry:
        """The ledger entry of one event, which must be there."""
        found = self.store.ledger.find("order", entity_id, version)
        assert found is not None
        return found

    def waiting_for(self, entity_id: str = "42") -> list[tuple[int, str, str]]:
        """Where and why the entity was put aside: (version, hook, why)."""
        entries = self.store.ledger.entries("order", entity_id)
        return [(entry.version, entry.parked.hook, entry.parked.why) for entry in entries if entry.parked]

    def paid(self, entity_id: str = "42", **data: object) -> list[Change]:
        """An order placed and paid: its two changes."""
        already = len(self.store.changes())
        self.flow.create("order", entity_id, data)
        self.flow.fire("order", entity_id, "pay", {"amount": 1000})
        return list(self.store.changes(already))

    def only_paid(self, entity_id: str = "42", **data: object) -> Change:
        """The change of an order that was paid, when all that came before is settled; with a new page of notes."""
        placed, paid = self.paid(entity_id, **data)
        assert self.deliver(placed).failed == []
        self.notes.forget()
        return paid

    def statuses(self, entity_id: str = "42") -> list[tuple[int, str, str, int]]:
        """The ledger: (version, hook, status, attempts)."""
        return [
            (entry.version, hook, outcome.status, outcome.attempts)
            for entry in self.flow.effects("order", entity_id)
            for hook, outcome in entry.outcomes.items()
        ]
