"""A transition that follows an effect is recorded together with its outcome, or not at all (promises 1 and 4)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.fakes.hooks import raising
from tests.fakes.stores import Fault
from tests.fakes.uses import using
from tests.samples import ORDER
from tests.unit.runtime.delivery import HOOKED, Bench
from workflow.definition.definition import Field, Retry, Transition
from workflow.errors import TransitionError
from workflow.runtime.commit import MAX_COMMITS
from workflow.runtime.ledger_entry import Parked

ONCE = Retry(attempts=1)
REPORT = Transition(
    "report", "paid", "paid", requires={"error": Field("error", "string")}, sets={"note": "payload.error"}
)


class CardDeclined(ValueError):  # noqa: N818 - named as an application would
    """An error of the application's own."""


def _catching(catch: dict[str, str], *more: Transition) -> Bench:
    definition = replace(HOOKED, transitions=(*HOOKED.transitions, *more))
    return Bench(using(definition, "receipt", catch=catch, retry=ONCE))


def _then(trigger: str, returns: object = None, **said: Any) -> Bench:
    bench = Bench(using(HOOKED, "receipt", then=trigger, **said))
    bench.notes.failing["receipt"] = lambda effect: returns if effect.version == 2 else None
    return bench


def _triggers(bench: Bench) -> list[str]:
    return [event.trigger for event in bench.flow.history("order", "42")]


@pytest.mark.parametrize("name", ["CardDeclined", "ValueError", "Exception", "*"])
def test_an_error_is_caught_by_its_class_by_one_of_its_bases_or_by_the_star(name: str) -> None:
    bench = _catching({"KeyError": "ship", name: "cancel"})
    bench.notes.failing["receipt"] = raising(CardDeclined("no money"))
    delivered = bench.deliver(bench.only_paid())
    assert (delivered.failed, delivered.put_aside, delivered.for_people) == ([], 0, {})
    assert bench.statuses()[1:] == [(2, "receipt", "caught", 1), (2, "loyalty", "done", 1)]
    assert bench.entry().outcomes["receipt"].note == "caught by 'cancel'"
    assert bench.entry().outcomes["receipt"].error == "CardDeclined: no money"
    event = bench.flow.history("order", "42")[2]
    assert (event.trigger, event.cause, event.by, event.depth) == ("cancel", "order#42#2#receipt", "hook:receipt", 1)


def test_an_error_is_caught_only_after_the_last_attempt() -> None:
    bench = Bench(using(HOOKED, "receipt", catch={"*": "cancel"}, retry=Retry(2, 30)))
    bench.notes.failing["receipt"] = raising(CardDeclined("no money"))
    assert bench.deliver(bench.only_paid()).put_aside == 1
    assert _triggers(bench) == ["create", "pay"]
    bench.sweep(after=30)
    assert _triggers(bench) == ["create", "pay", "cancel"]
    assert bench.statuses()[1] == (2, "receipt", "caught", 2)


def test_what_was_refused_is_caught_at_once() -> None:
    bench = Bench(using(HOOKED, "receipt", catch={"TransitionError": "cancel"}))
    bench.notes.failing["receipt"] = raising(TransitionError("no way"))
    bench.deliver(bench.only_paid())
    assert bench.statuses()[1] == (2, "receipt", "caught", 1)
    assert _triggers(bench) == ["create", "pay", "cancel"]


def test_a_trigger_that_takes_the_error_is_given_it() -> None:
    bench = _catching({"*": "report"}, REPORT)
    bench.notes.failing["receipt"] = lambda effect: 1 / int(effect.version != 2)
    bench.deliver(bench.only_paid(email="canary@example.com"))
    assert bench.flow.get("order", "42").data["note"] == "ZeroDivisionError: division by zero"


def test_an_error_that_nobody_catches_waits_for_a_person() -> None:
    bench = _catching({"KeyError": "cancel"})
    bench.notes.failing["receipt"] = raising(CardDeclined("no money"))
    assert bench.deliver(bench.only_paid()).for_people == {("order", "receipt"): 1}


def test_a_catch_that_is_refused_waits_for_a_person_with_both_reasons() -> None:
    bench = _catching({"*": "pay"})
    bench.notes.failing["receipt"] = raising(CardDeclined("no money"))
    assert bench.deliver(bench.only_paid()).for_people == {("order", "receipt"): 1}
    error = (
        "CardDeclined: no money; catch 'pay' was refused: order 42: no transition 'pay' from 'paid' (version 2); "
        "from here: ship, annotate, cancel"
    )
    assert bench.entry().parked == Parked("receipt", "refused", bench.clock.now(), None, error)
    assert bench.statuses()[1:] == [(2, "receipt", "parked", 1), (2, "loyalty", "owed", 0)]


def test_the_map_that_a_hook_returns_is_the_payload_of_its_then() -> None:
    bench = _then("ship", {"carrier": "DHL"})
    delivered = bench.deliver(bench.only_paid())
    assert (delivered.failed, delivered.effects_done) == ([], 2)
    event = bench.flow.history("order", "42")[2]
    assert (event.trigger, event.payload, event.cause) == ("ship", {"carrier": "DHL"}, "order#42#2#receipt")
    assert (event.by, event.depth, event.request_id) == ("hook:receipt", 1, "")
    assert bench.statuses()[1:] == [(2, "receipt", "done", 1), (2, "loyalty", "done", 1)]


def test_a_hook_that_returns_nothing_fires_its_then_without_a_payload() -> None:
    bench = _then("ship")
    bench.deliver(bench.only_paid())
    assert bench.flow.history("order", "42")[2].payload == {}


def test_a_hook_that_returns_no_map_for_its_then_has_failed() -> None:
    bench = _then("ship", ["DHL"])
    bench.deliver(bench.only_paid())
    assert bench.entry().outcomes["receipt"].error == (
        "TypeError: a hook with `then` returns a map for the payload, or None, not list"
    )
    assert _triggers(bench) == ["create", "pay"]


def test_a_hook_without_a_then_may_return_anything(bench: Bench) -> None:
    bench.notes.failing["receipt"] = lambda effect: ["DHL"]
    assert bench.deliver(bench.only_paid()).effects_done == 2


def test_a_then_that_comes_too_late_is_noted_and_the_effect_is_done() -> None:
    bench = _then("ship", {"carrier": "DHL"})
    paid = bench.only_paid()
    bench.flow.fire("order", "42", "cancel")
    delivered = bench.deliver(paid)
    assert (delivered.failed, delivered.effects_done, delivered.for_people) == ([], 2, {})
    assert bench.statuses()[1] == (2, "receipt", "done", 1)
    assert bench.entry().outcomes["receipt"].note == (
        "then 'ship' was refused: order 42: no transition 'ship' from 'cancelled' (version 3); from here: nothing, "
        "the state is final"
    )


def test_a_then_is_decided_anew_on_what_another_writer_left() -> None:
    bench = _then("ship", {"carrier": "DHL"})
    paid = bench.only_paid()
    bench.flow.fire("order", "42", "annotate", {"note": "meanwhile"})
    bench.deliver(paid)
    assert _triggers(bench) == ["create", "pay", "annotate", "ship"]
    assert bench.entry().outcomes["receipt"].note == ""


def test_a_then_whose_payload_does_not_fit_waits_for_a_person() -> None:
    bench = _then("ship", {"carrier": 5})
    assert bench.deliver(bench.only_paid()).for_people == {("order", "receipt"): 1}
    parked = bench.entry().parked
    assert parked is not None
    assert (parked.why, parked.next_at) == ("refused", None)
    assert parked.error.startswith("then 'ship' was refused: order 42: 'ship': data.carrier ")


@pytest.mark.parametrize(
    "faults",
    [
        ["lost answer"],
        ["conflict", "throttle", "lost request", "lost answer"],
        ["lost answer"] * MAX_COMMITS,
        ["lost request"] * (MAX_COMMITS - 1) + ["lost answer"],
    ],
)
@pytest.mark.parametrize("trigger", ["then", "catch"])
def test_a_transaction_whose_answer_was_lost_is_found_and_nothing_runs_again(faults: list[Fault], trigger: str) -> None:
    bench = _then("ship") if trigger == "then" else _catching({"*": "ship"})
    if trigger == "catch":
        bench.notes.failing["receipt"] = raising(CardDeclined("no money"))
    paid = bench.only_paid()
    bench.store.faults = list(faults)
    assert bench.deliver(paid).failed == []
    assert bench.store.faults == []
    assert bench.notes.ran == [("42", 2, "receipt", 1), ("42", 2, "loyalty", 1)]
    assert _triggers(bench) == ["create", "pay", "ship"]
    assert bench.entry().settled


@pytest.mark.parametrize("fault", ["lost request", "conflict", "throttle"])
def test_a_transaction_that_was_not_recorded_is_put_aside_and_runs_again_under_its_key(fault: Fault) -> None:
    bench = _then("ship")
    paid = bench.only_paid()
    bench.store.faults = [fault] * MAX_COMMITS
    delivered = bench.deliver(paid)
    assert (delivered.failed, delivered.put_aside) == ([], 1)
    assert bench.statuses()[1:] == [(2, "receipt", "unknown", 1), (2, "loyalty", "owed", 0)]
    assert bench.sweep(after=30).effects_done == 3
    assert bench.notes.ran == [
        ("42", 2, "receipt", 1),
        ("42", 2, "receipt", 2),
        ("42", 2, "loyalty", 1),
        ("42", 3, "notify", 1),
    ]
    assert _triggers(bench) == ["create", "pay", "ship"]


def test_a_slow_owner_whose_lease_passed_on_records_neither_outcome_nor_transition() -> None:
    bench = _then("ship")
    paid = bench.only_paid()

    def slow(effect: object) -> None:
        del bench.notes.failing["receipt"]
        bench.clock.advance(100)
        assert bench.deliver(paid).failed == []

    bench.notes.failing["receipt"] = slow
    assert bench.deliver(paid).failed == [paid]
    assert _triggers(bench) == ["create", "pay", "ship"]
    assert bench.statuses()[1] == (2, "receipt", "done", 2)


def test_a_cascade_that_is_too_long_waits_for_a_person() -> None:
    circling = using(replace(HOOKED, transitions=ORDER.transitions), "receipt", then="annotate")
    bench = Bench(circling)
    object.__setattr__(bench.flow.runtime, "max_depth", 3)
    bench.paid()
    for _ in range(5):
        bench.deliver()
    assert [event.depth for event in bench.flow.history("order", "42")] == [0, 0, 1, 2, 3]
    assert bench.waiting_for() == [(5, "receipt", "refused")]
    parked = bench.entry(5).parked
    assert parked is not None
    assert "3 effects have led one to another; they go in a circle" in parked.error


def test_a_then_that_its_guard_refuses_waits_for_a_person() -> None:
    bench = Bench(using(HOOKED, "greet", then="pay"))
    bench.notes.failing["greet"] = lambda effect: {"amount": 1}
    bench.flow.create("order", "42", {"total": 100})
    delivered = bench.deliver()
    assert (delivered.failed, delivered.effects_done, delivered.for_people) == ([], 0, {("order", "greet"): 1})
    error = "then 'pay' was refused: order 42: 'pay' from 'placed' (version 1) needs: payload.amount >= data.total"
    assert bench.entry(1).parked == Parked("greet", "refused", bench.clock.now(), None, error)
    assert bench.statuses() == [(1, "greet", "parked", 1)]
    bench.notes.failing["greet"] = lambda effect: {"amount": 100}
    bench.flow.operations.redrive("order", "42")
    bench.sweep()
    assert _triggers(bench) == ["create", "pay"]
    assert bench.entry(1).settled


@pytest.mark.parametrize(("trigger", "status"), [("then", "unknown"), ("catch", "failed")])
def test_a_transition_that_the_table_denies_us_is_waited_for(trigger: str, status: str) -> None:
    said = {"then": "ship"} if trigger == "then" else {"catch": {"TransitionError": "ship"}}
    bench = Bench(using(HOOKED, "receipt", **said))
    if trigger == "catch":
        bench.notes.failing["receipt"] = raising(TransitionError("no way"))
    paid = bench.only_paid()
    bench.store.faults = ["denied"]
    delivered = bench.deliver(paid)
    assert (delivered.failed, delivered.put_aside, delivered.for_people) == ([], 1, {})
    assert bench.statuses()[1:] == [(2, "receipt", status, 1), (2, "loyalty", "owed", 0)]
    now = bench.clock.now()
    error = f"{trigger} 'ship' was not recorded: injected: denied"
    assert bench.entry().parked == Parked("receipt", "retry", now, now + timedelta(seconds=30), error)
    bench.sweep(after=30)
    assert _triggers(bench) == ["create", "pay", "ship"]
    assert bench.entry().settled
