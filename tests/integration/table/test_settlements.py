"""A `then` and its outcome are one transaction on a real engine, whatever the network does (promises 1 and 4)."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest

from tests.fakes.clock import FakeClock
from tests.fakes.faults import Fault, conflict, lose_request, lose_response, throttle
from tests.fakes.uses import using
from tests.integration.table.conftest import HOOKED, OnTable, open_on
from workflow.runtime.changes import Change, Copies
from workflow.runtime.deliver import Delivered, Deliverer


@pytest.fixture(params=["dynamodb_local", "ministack"])
def paid(request: pytest.FixtureRequest, clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> OnTable:
    """The order 42, paid; its receipt's `then` ships it."""
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    opened = open_on(request.getfixturevalue(f"{request.param}_url"), clock, using(HOOKED, "receipt", then="ship"))
    opened.notes.failing["receipt"] = lambda effect: {"carrier": "DHL"}
    opened.flow.create("order", "42")
    opened.flow.fire("order", "42", "pay", {"amount": 100})
    return opened


def _deliver(on_table: OnTable) -> Delivered:
    runtime = on_table.flow.runtime
    (entity,) = [on_table.flow.get("order", "42")]
    change = Change("order", "42", 1, 2, "placed", "paid", 1, "pay", "2", Copies(None, entity))
    return Deliverer(runtime, workers=1).deliver([change], until=runtime.clock.now() + timedelta(minutes=1))


def _triggers(on_table: OnTable) -> list[str]:
    return [event.trigger for event in on_table.flow.history("order", "42")]


@pytest.mark.parametrize("faults", [(), (lose_response,), (lose_request, conflict, throttle, lose_response)])
def test_a_then_is_recorded_once_with_its_outcome(paid: OnTable, faults: tuple[Fault, ...]) -> None:
    paid.wire.fail(*faults)
    delivered = _deliver(paid)
    assert (delivered.failed, delivered.effects_done, paid.wire.faults) == ([], 2, [])
    assert paid.notes.ran == [("42", 2, "receipt", 1), ("42", 2, "loyalty", 1)]
    assert _triggers(paid) == ["create", "pay", "ship"]
    assert paid.flow.get("order", "42").data["carrier"] == "DHL"
    assert paid.flow.effects("order", "42")[0].settled


def test_a_then_whose_answers_were_all_lost_is_found_and_nothing_runs_again(paid: OnTable) -> None:
    paid.wire.fail(*[lose_response] * 100)
    delivered = _deliver(paid)
    assert (delivered.failed, delivered.effects_done) == ([], 2)
    assert paid.notes.ran == [("42", 2, "receipt", 1), ("42", 2, "loyalty", 1)]
    assert _triggers(paid) == ["create", "pay", "ship"]


def test_a_then_that_never_arrived_is_put_aside_and_happens_with_a_sweep(paid: OnTable, clock: FakeClock) -> None:
    paid.wire.fail(*[lose_request] * 100)
    assert _deliver(paid).put_aside == 1
    assert _triggers(paid) == ["create", "pay"]
    paid.wire.fail()
    clock.advance(30)
    assert paid.sweep().effects_done == 3
    assert _triggers(paid) == ["create", "pay", "ship"]
    assert [run[1:] for run in paid.notes.ran] == [
        (2, "receipt", 1),
        (2, "receipt", 2),
        (2, "loyalty", 1),
        (3, "notify", 1),
    ]
