"""A batched hook that notes what it was given, and answers as a test says."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from tests.fakes.clock import FakeClock
from tests.fakes.stores import FaultyStore
from tests.samples import ORDER, definitions, entering
from workflow import Effect, Workflow, hook
from workflow.definition.definition import Definition
from workflow.runtime.deliver import Delivered, Deliverer
from workflow.runtime.sweep import Sweeper

Answer = Callable[[Sequence[Effect]], object]
SYNCED = entering(ORDER, placed=["sync"], paid=["sync"])


@dataclass
class Batching:
    """Orders whose every change is synced in batches of up to `size`; `batches` holds the ids of each batch in turn."""

    size: int = 100
    definition: Definition = SYNCED
    answer: Answer = lambda effects: None
    workers: int = 1
    others: Sequence[Callable[..., object]] = ()
    store: FaultyStore = field(default_factory=FaultyStore)
    clock: Any = field(default_factory=FakeClock)
    batches: list[list[str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        lock = threading.Lock()

        @hook(batch=self.size)
        def sync(effects: list[Effect]) -> object:
            with lock:
                self.batches.append([effect.id for effect in effects])
            return self.answer(effects)

        handlers = [sync, *self.others]
        self.flow = Workflow(definitions(self.definition), self.store, handlers=handlers, clock=self.clock)
        self.deliverer = Deliverer(self.flow.runtime, workers=self.workers)
        self._delivered = 0

    @property
    def sizes(self) -> list[int]:
        """How many effects each batch had."""
        return [len(batch) for batch in self.batches]

    def create(self, *ids: str, **data: object) -> None:
        """Places these orders."""
        for entity_id in ids:
            self.flow.create("order", entity_id, data)

    def deliver(self, *, seconds: float = 60) -> Delivered:
        """Delivers what nobody delivered yet, as one invocation that may last so long."""
        changes = self.store.changes(self._delivered)
        self._delivered += len(changes)
        return self.deliverer.deliver(changes, until=self.clock.now() + timedelta(seconds=seconds))

    def sweep(self, *, after: float = 0) -> Delivered:
        """What the sweeper does once so many seconds have passed."""
        self.clock.advance(after)
        sweeper = Sweeper(self.flow.runtime, workers=self.workers)
        return sweeper.sweep(until=self.clock.now() + timedelta(minutes=1))

    def statuses(self, hook: str = "sync") -> dict[str, str]:
        """How the first effect of each order stands."""
        return {order.id: self.outcome(order.id, hook).status for order in self.flow.list("order")}

    def outcome(self, entity_id: str, hook: str = "sync", version: int = 1) -> Any:
        """How one effect stands."""
        found = self.store.ledger.find("order", entity_id, version)
        assert found is not None
        return found.outcomes[hook]


def named(count: int) -> list[str]:
    """So many ids."""
    return [f"{number:03}" for number in range(count)]


def failing(*ids: str, error: Callable[[], BaseException] = lambda: ValueError("no")) -> Answer:
    """An answer that names these orders as failed."""
    return lambda effects: {effect.key: error() for effect in effects if effect.id in ids}


def poisoned(*ids: str, error: Callable[[], BaseException] = lambda: ValueError("400")) -> Answer:
    """What raises for the whole batch as long as one of these orders is in it."""

    def answer(effects: Sequence[Effect]) -> None:
        if any(effect.id in ids for effect in effects):
            raise error()

    return answer
