"""Jobs in lanes on a store in memory, somebody to deliver what happens, and hands that write past the framework."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tests.fakes.clock import FakeClock
from tests.fakes.hooks import Notebook
from tests.fakes.stores import FaultyStore
from tests.samples import JOB, definitions
from workflow import Workflow
from workflow.definition.definition import Definition
from workflow.engine.entity import Entity
from workflow.engine.place import LaneKey
from workflow.runtime.changes import Change, Copies
from workflow.runtime.deliver import Delivered, Deliverer
from workflow.runtime.lane_ports import LaneState
from workflow.runtime.ports import Store
from workflow.runtime.start_waiting import Started, start_waiting
from workflow.runtime.sweep import Sweeper


def lane_of(key: str = "a", kind: str = "job") -> LaneKey:
    """The queue of one repository."""
    return LaneKey(kind, "build", key)


def standing(store: Store, key: str = "a", kind: str = "job") -> tuple[dict[int, str], list[str]]:
    """Who runs in which slot, and who waits in which order."""
    found: LaneState = store.lane(lane_of(key, kind), waiting=10_000)
    return {row.place.slot: row.entity_id for row in found.running}, [row.entity_id for row in found.waiting]


@dataclass
class LaneBench:
    """One application with jobs; what happens is delivered when a test says so."""

    definition: Definition = JOB
    handlers: Sequence[Callable[..., object]] = ()
    clock: FakeClock = field(default_factory=FakeClock)
    store: FaultyStore = field(default_factory=FaultyStore)
    notes: Notebook = field(default_factory=lambda: Notebook("work", "wrap_up"))
    max_depth: int = 16

    def __post_init__(self) -> None:
        self.flow = Workflow(
            definitions(self.definition),
            self.store,
            handlers=[*self.handlers, *self.notes.handlers],
            clock=self.clock,
            max_depth=self.max_depth,
        )
        self.deliverer = Deliverer(self.flow.runtime, workers=4)
        self._raw = 0

    def add(self, *ids: str, repository: object = "a", priority: object = None, **data: Any) -> Entity | None:
        """Creates jobs, a second apart; the last one."""
        entity = None
        for entity_id in ids:
            given = {"repository": repository, "priority": priority, **data}
            given = {name: value for name, value in given.items() if value is not None}
            entity = self.flow.create("job", entity_id, given).entity
            self.clock.advance(1)
        return entity

    def get(self, entity_id: str) -> Entity:
        """The job as it is."""
        return self.flow.get("job", entity_id)

    def states(self, *ids: str) -> list[str]:
        """The states of those jobs."""
        return [self.get(entity_id).state for entity_id in ids]

    def standing(self, key: str = "a") -> tuple[dict[int, str], list[str]]:
        """Who runs in which slot, and who waits in which order."""
        return standing(self.store, key)

    def watched(self, key: str = "a") -> datetime | None:
        """When a sweeper looks at the lane."""
        return self.store.lane(lane_of(key), waiting=0).watched

    def start(self, key: str = "a") -> Started:
        """One look at the lane."""
        return start_waiting(self.flow.runtime, lane_of(key))

    def deliver(self, *changes: Change) -> Delivered:
        """Delivers the changes as one invocation that may last a minute; all there are if none are given."""
        given: Sequence[Change] = changes or self.store.changes()
        return self.deliverer.deliver(given, until=self.clock.now() + timedelta(minutes=1))

    def settle(self, after: int = 0) -> Delivered:
        """Delivers until nothing new happens."""
        total, seen = Delivered(), after
        while changes := self.store.changes(seen):
            total.add(self.deliver(*changes))
            seen += len(changes)
        return total

    def sweep(self, *, after: float = 0) -> Delivered:
        """What the sweeper does once so many seconds have passed."""
        self.clock.advance(after)
        return Sweeper(self.flow.runtime, workers=4).sweep(until=self.clock.now() + timedelta(minutes=1))

    def deploy(self, *some: Definition) -> None:
        """Puts other definitions into force."""
        object.__setattr__(self.flow.runtime, "definitions", definitions(*some))

    def write_by_hand(self, entity_id: str, **said: Any) -> Change:
        """Changes the entity past the framework, and returns the change that the stream shows of it."""
        before = self.get(entity_id)
        self.store.rewind(before._replace(**said))
        return self._change(before, before._replace(**said))

    def delete_by_hand(self, entity_id: str) -> Change:
        """Deletes the entity past the framework, and returns the change that the stream shows of it."""
        before = self.get(entity_id)
        self.store.delete("job", entity_id)
        shown = self._change(before, before._replace(version=0, state="", place=None))
        return shown._replace(gone="the entity was deleted by hand")

    def _change(self, before: Entity, after: Entity) -> Change:
        self._raw += 1
        return Change(
            kind="job",
            entity_id=before.id,
            before_version=before.version,
            version=after.version,
            source=before.state,
            target=after.state,
            definition=after.definition,
            trigger=after.trigger,
            position=str(1_000_000 + self._raw),
            snapshots=Copies(before, after),
            follows=before.owing,
            left=before.place,
            place=after.place,
        )
