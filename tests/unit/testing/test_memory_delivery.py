"""What an application's own tests use: effects run in memory as the stream's Lambda would run them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.fakes.clock import FakeClock
from tests.fakes.hooks import Notebook
from tests.fakes.uses import LATER, using
from tests.samples import ORDER, definitions, entering
from workflow import Workflow
from workflow.definition.definition import Timer
from workflow.errors import SettingsError
from workflow.runtime.hooks import Hooks
from workflow.testing import MemoryDelivery, MemoryLedger, MemoryStore

HOOKED = using(entering(ORDER, placed=["greet"], paid=["receipt"]), retry=LATER)


@pytest.fixture
def notes() -> Notebook:
    return Notebook("greet", "receipt")


@pytest.fixture
def flow(notes: Notebook, clock: FakeClock) -> Workflow:
    return Workflow(definitions(HOOKED), MemoryStore(), handlers=notes.handlers, clock=clock)


def test_effects_run_until_nothing_new_happens(flow: Workflow, notes: Notebook) -> None:
    notes.failing["greet"] = lambda effect: effect.fire("pay", {"amount": 1})
    flow.create("order", "42")
    delivered = MemoryDelivery(flow).run()
    assert (delivered.effects_done, delivered.failed) == (2, [])
    assert notes.keys == ["order#42#1#greet", "order#42#2#receipt"]
    assert flow.get("order", "42").state == "paid"


def test_each_run_goes_on_where_the_last_one_ended(flow: Workflow, notes: Notebook) -> None:
    delivery = MemoryDelivery(flow)
    flow.create("order", "1")
    delivery.run()
    flow.create("order", "2")
    delivery.run()
    assert delivery.run().effects_done == 0
    assert notes.keys == ["order#1#1#greet", "order#2#1#greet"]


def test_what_failed_is_put_aside_and_goes_on_with_a_sweep(flow: Workflow, notes: Notebook, clock: FakeClock) -> None:
    notes.failing["greet"] = lambda effect: 1 / 0 if effect.id == "1" else None
    flow.create("order", "1")
    flow.create("order", "2")
    delivery = MemoryDelivery(flow)
    delivered = delivery.run()
    assert (delivered.effects_done, delivered.put_aside, delivered.failed) == (1, 1, [])
    notes.failing.clear()
    notes.forget()
    assert delivery.run().effects_done == 0
    assert delivery.sweep().effects_done == 0
    clock.advance(30)
    assert delivery.sweep().effects_done == 1
    assert notes.keys == ["order#1#1#greet"]


def test_a_sweep_fires_what_is_due_and_delivers_what_that_caused(
    flow: Workflow, notes: Notebook, clock: FakeClock
) -> None:
    states = {**HOOKED.states, "placed": replace(HOOKED.states["placed"], timers=(Timer(60, "annotate"),))}
    timed = Workflow(definitions(replace(HOOKED, states=states)), MemoryStore(), handlers=notes.handlers, clock=clock)
    delivery = MemoryDelivery(timed)
    timed.create("order", "42")
    delivery.run()
    clock.advance(60)
    swept = delivery.sweep()
    assert (swept.timers_fired, swept.effects_done) == (1, 1)
    assert notes.keys == ["order#42#1#greet", "order#42#2#greet"]
    assert delivery.run().effects_done == 0


def test_a_sweep_delivers_what_an_effect_that_it_took_up_caused_elsewhere(
    flow: Workflow, notes: Notebook, clock: FakeClock
) -> None:
    notes.failing["greet"] = lambda effect: 1 / 0
    flow.create("order", "42")
    delivery = MemoryDelivery(flow)
    delivery.run()
    notes.failing["greet"] = lambda effect: effect.create("order", "43") if effect.id == "42" else None
    clock.advance(3600)
    assert delivery.sweep().effects_done == 2
    assert notes.keys[-1] == "order#43#1#greet"


def test_a_store_without_a_stream_in_memory_is_refused(flow: Workflow) -> None:
    class OtherStore:
        ledger = MemoryLedger()

    other = Workflow(flow.definitions, OtherStore(), hooks_required=False)  # type: ignore[arg-type]
    with pytest.raises(SettingsError, match="no stream in memory behind a OtherStore"):
        MemoryDelivery(other)


def test_a_store_without_a_ledger_needs_one_given(flow: Workflow) -> None:
    with pytest.raises(SettingsError, match="object brings no ledger; give one with ledger="):
        Workflow(flow.definitions, object(), hooks_required=False)  # type: ignore[arg-type]


def test_hooks_that_nobody_registers_fail_as_effects_where_they_are_not_required(clock: FakeClock) -> None:
    flow = Workflow(definitions(HOOKED), MemoryStore(), hooks_required=False, clock=clock)
    flow.create("order", "42")
    delivered = MemoryDelivery(flow).run()
    assert (delivered.effects_failed, delivered.put_aside) == (1, 1)
    assert len(Hooks()) == 0
