"""What `workflow cost` foretells of each edge is what an engine that counts as AWS does counts of it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.engines import create_table, new_client
from tests.fakes.clock import FakeClock
from tests.fakes.records import record
from workflow import Effect, Workflow, hook
from workflow.aws import items
from workflow.aws.costs import Edge, Load, edges_of
from workflow.aws.ledger import TableLedger
from workflow.aws.stream import look, plans
from workflow.aws.table import TableStore
from workflow.definition.definition import Definition, Definitions
from workflow.definition.load import parse_definition
from workflow.engine.events import evolve
from workflow.runtime.deliver import Deliverer
from workflow.runtime.sweep import Sweeper

_BUILD = """\
kind: build
version: 1
initial: drafted
data:
  repository: {type: string}
states:
  drafted: {after: {1h: drop}}
  pending: {on_enter: [note]}
  active: {on_enter: [begin, {run: compile, then: finish}]}
  done: {final: true, on_enter: [note]}
  dropped: {final: true}
transitions:
  rename: {from: drafted, to: drafted, sets: [repository]}
  submit: {from: drafted, to: pending}
  start: {from: pending, to: active}
  finish: {from: active, to: done}
  drop: {from: drafted, to: dropped}
lanes:
  build: {by: data.repository, waiting: pending, running: active, trigger: start}
"""


@hook
def note(effect: Effect) -> None: ...


@hook
def begin(effect: Effect) -> None: ...


@hook(name="compile")
def compile_(effect: Effect) -> None: ...


class _Counted:
    """The flow on a table, and the write units since the last look."""

    def __init__(self, url: str, clock: FakeClock, definition: Definition) -> None:
        self.client, self.clock = new_client(url), clock
        table, self._units = create_table(self.client), 0.0
        store, ledger = TableStore(self.client, table), TableLedger(self.client, table)
        hooks = [note, begin, compile_]
        self.flow = Workflow(Definitions((definition,)), store, ledger=ledger, handlers=hooks, clock=clock)
        events = self.client.meta.events
        for operation in ("TransactWriteItems", "PutItem", "UpdateItem", "DeleteItem"):
            events.register(f"provide-client-params.dynamodb.{operation}", _asking)
            events.register(f"after-call.dynamodb.{operation}", self._count)

    def _count(self, parsed: dict[str, Any], **_: Any) -> None:
        consumed = parsed.get("ConsumedCapacity", [])
        for one in consumed if isinstance(consumed, list) else [consumed]:
            # Of the table and its indexes together.
            self._units += one["CapacityUnits"]

    def taken(self) -> float:
        """The units since the last look."""
        taken, self._units = self._units, 0.0
        return taken

    def deliver(self, version: int) -> None:
        """Delivers the version, as the stream would show it."""
        runtime, images, entity = self.flow.runtime, [None], None
        for event in runtime.store.events("build", "1"):
            entity = evolve(entity, event)
            images.append(items.write_entity(entity, event))  # type: ignore[arg-type]
        found = look([record(version, images[version - 1], images[version])], plans(self.flow.definitions))
        delivered = Deliverer(runtime, workers=1).deliver(found.changes, until=self.clock.now() + timedelta(minutes=1))
        assert delivered.failed == []

    def sweep(self) -> None:
        """What the sweeper does now."""
        Sweeper(self.flow.runtime, workers=1).sweep(until=self.clock.now() + timedelta(minutes=1))


def _asking(params: dict[str, Any], **_: Any) -> dict[str, Any]:
    return {**params, "ReturnConsumedCapacity": "INDEXES"}


@pytest.fixture
def definition() -> Definition:
    return parse_definition(_BUILD)


@pytest.fixture
def counted(ministack_url: str, clock: FakeClock, definition: Definition) -> _Counted:
    return _Counted(ministack_url, clock, definition)


def _fired(edge: Edge) -> float:
    """What is taken when the trigger fires; a timer is set there, and is taken away by a sweep for two units more."""
    return edge.writes - edge.effects - (2 if edge.timer else 0)


def test_an_engine_counts_of_every_step_of_a_life_what_was_foretold(counted: _Counted, definition: Definition) -> None:
    edges = {edge.trigger: edge for edge in edges_of(definition, Load())}
    counted.flow.create("build", "1", {"repository": "a"})
    assert counted.taken() == _fired(edges["create"]) == 8
    counted.clock.advance(1)
    counted.flow.fire("build", "1", "rename", {"repository": "b"})
    # The timer of before is replaced: its line in the index leaves one place and takes another.
    assert counted.taken() == _fired(edges["rename"]) + 1 == 9
    counted.flow.fire("build", "1", "submit")
    assert counted.taken() == _fired(edges["submit"]) == 8
    # Whose turn it is in its lane is started by whoever delivers, beside the effects.
    counted.deliver(3)
    assert counted.taken() == edges["submit"].effects + _fired(edges["start"]) == 12
    # The last of its effects is committed by the transition that it makes.
    counted.deliver(4)
    assert counted.taken() == edges["start"].effects + _fired(edges["finish"]) == 12
    counted.deliver(5)
    assert counted.taken() == edges["finish"].effects == 2
    counted.clock.advance(3601)
    counted.sweep()
    assert counted.taken() == 2
    assert [event.trigger for event in counted.flow.history("build", "1")] == [
        *("create", "rename", "submit", "start", "finish")
    ]


def test_a_request_id_costs_two_units_more(counted: _Counted, definition: Definition) -> None:
    (created, *_) = edges_of(definition, Load(request_ids=True))
    counted.flow.create("build", "1", {"repository": "a"}, request_id="r")
    assert counted.taken() == _fired(created) == 10


def test_larger_entities_cost_two_units_for_each_kilobyte_begun(counted: _Counted, definition: Definition) -> None:
    (created, *_) = edges_of(definition, Load(entity_kb=3, event_kb=3))
    counted.flow.create("build", "1", {"repository": "r" * 2500})
    # The key of the lane is that text, and nothing else of the entity stands in an index.
    assert counted.taken() == _fired(created) == 16
