"""A run that was cut off is repeated, asked about, or left to a person, as the definition says (promise 4)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.fakes.hooks import raising
from tests.fakes.ledgers import Crash
from tests.fakes.uses import using
from tests.unit.runtime.delivery import HOOKED, Bench
from workflow import Effect
from workflow.definition.definition import Retry
from workflow.errors import RegisterHookError
from workflow.runtime.changes import Change
from workflow.runtime.hooks import probe

CUT_OFF = "a run was cut off; nobody knows whether it happened"


def _bench(on_unknown: str, answers: Callable[[Effect], object] | None = None, **said: Any) -> tuple[Bench, Change]:
    """A bench whose hook `receipt` ends its process each time, and the change that owes it."""
    said = {"on_unknown": on_unknown, **said}
    probes = [probe(of="receipt")(lambda effect: answers(effect))] if answers else []
    bench = Bench(using(HOOKED, "receipt", **said), workers=1, probes=probes)
    bench.notes.failing["receipt"] = raising(Crash())
    return bench, bench.only_paid()


def _cut_off(bench: Bench, change: Change) -> None:
    with pytest.raises(Crash):
        bench.deliver(change)
    bench.clock.advance(65)


def test_by_default_a_run_that_was_cut_off_is_repeated_and_counts_as_an_attempt() -> None:
    bench, paid = _bench("retry")
    _cut_off(bench, paid)
    bench.notes.failing.clear()
    assert bench.deliver(paid).effects_done == 2
    assert bench.statuses()[1] == (2, "receipt", "done", 2)


def test_where_it_must_not_be_repeated_it_waits_for_a_person() -> None:
    bench, paid = _bench("park")
    _cut_off(bench, paid)
    assert bench.deliver(paid).for_people == {("order", "receipt"): 1}
    parked = bench.entry().parked
    assert parked is not None
    assert (parked.why, parked.next_at, parked.error) == ("unknown", None, CUT_OFF)
    assert bench.statuses()[1:] == [(2, "receipt", "parked", 1), (2, "loyalty", "owed", 0)]
    assert len(bench.notes.ran) == 1


def test_an_effect_that_had_not_begun_when_its_delivery_ran_out_of_time_is_not_unknown() -> None:
    bench, paid = _bench("park")
    bench.notes.failing.clear()
    bench.store.ledger.meanwhile = lambda: bench.clock.advance(59)
    assert bench.deliver(paid).failed == [paid]
    assert bench.deliver(paid).effects_done == 2


@pytest.mark.parametrize("on_unknown", ["retry", "verify"])
def test_what_was_cut_off_twice_is_left_to_the_sweeper(on_unknown: str) -> None:
    bench, paid = _bench(on_unknown, lambda effect: False)
    _cut_off(bench, paid)
    _cut_off(bench, paid)
    delivered = bench.deliver(paid)
    assert (delivered.failed, delivered.put_aside) == ([], 1)
    assert bench.waiting_for() == [(2, "receipt", "retry")]
    assert bench.statuses()[1] == (2, "receipt", "unknown", 2)
    bench.notes.failing.clear()
    assert bench.sweep(after=60).effects_done == 2
    assert bench.notes.ran[2:] == [("42", 2, "receipt", 3), ("42", 2, "loyalty", 1)]


@pytest.mark.parametrize(("on_unknown", "why"), [("retry", "unknown"), ("verify", "attempts")])
def test_attempts_that_were_all_cut_off_are_a_persons_to_judge(on_unknown: str, why: str) -> None:
    bench, paid = _bench(on_unknown, lambda effect: False, retry=Retry(attempts=4, first_seconds=30, factor=1))
    _cut_off(bench, paid)
    _cut_off(bench, paid)
    bench.deliver(paid)
    for _ in range(2):
        with pytest.raises(Crash):
            bench.sweep(after=300)
    assert bench.sweep(after=300).for_people == {("order", "receipt"): 1}
    assert [run[3] for run in bench.notes.ran] == [1, 2, 3, 4]
    assert bench.waiting_for() == [(2, "receipt", why)]
    assert bench.statuses()[1] == (2, "receipt", "parked", 4)


def test_a_probe_that_says_yes_settles_the_effect_without_running_it() -> None:
    asked = []
    bench, paid = _bench("verify", lambda effect: asked.append((effect.key, effect.attempt)) or True)
    _cut_off(bench, paid)
    bench.notes.forget()
    assert bench.deliver(paid).effects_done == 2
    assert asked == [("order#42#2#receipt", 1)]
    assert bench.notes.ran == [("42", 2, "loyalty", 1)]
    assert bench.statuses()[1] == (2, "receipt", "done", 1)
    assert bench.entry().outcomes["receipt"].note == "its probe says it had happened"


@pytest.mark.parametrize(("answer", "payload"), [(True, {}), ("yes", {}), ({"carrier": "DHL"}, {"carrier": "DHL"})])
def test_a_probe_that_says_yes_lets_the_then_follow_with_the_payload_it_gives(
    answer: object, payload: dict[str, object]
) -> None:
    bench, paid = _bench("verify", lambda effect: answer, then="ship")
    _cut_off(bench, paid)
    bench.deliver(paid)
    shipped = bench.flow.history("order", "42")[2]
    assert (shipped.trigger, shipped.payload, shipped.by) == ("ship", payload, "hook:receipt")
    assert bench.entry().settled


@pytest.mark.parametrize("answer", [False, None, ""])
def test_a_probe_that_says_no_lets_the_effect_run_again(answer: object) -> None:
    bench, paid = _bench("verify", lambda effect: answer)
    _cut_off(bench, paid)
    bench.notes.failing.clear()
    assert bench.deliver(paid).effects_done == 2
    assert bench.notes.ran[1:] == [("42", 2, "receipt", 2), ("42", 2, "loyalty", 1)]


def test_a_probe_that_does_not_know_is_asked_again_later_and_in_the_end_a_person_is() -> None:
    answers: list[Effect] = []

    def unsure(effect: Effect) -> None:
        answers.append(effect)
        raise TimeoutError("no answer")

    bench, paid = _bench("verify", unsure, retry=Retry(attempts=3, first_seconds=30, factor=1))
    _cut_off(bench, paid)
    assert bench.deliver(paid).put_aside == 1
    assert bench.entry().outcomes["receipt"].status == "unknown"
    assert bench.sweep(after=300).put_aside == 1
    assert bench.sweep(after=300).for_people == {("order", "receipt"): 1}
    assert len(answers) == 3
    parked = bench.entry().parked
    assert parked is not None
    assert (parked.why, parked.error) == ("unknown", "TimeoutError: no answer")
    assert bench.notes.keys == ["order#42#2#receipt"]


def test_a_probe_that_knows_later_settles_what_waited() -> None:
    bench, paid = _bench("verify", lambda effect: 1 / int(bench.clock.now().minute > 3))
    _cut_off(bench, paid)
    bench.deliver(paid)
    assert bench.sweep(after=300).effects_done == 2
    assert bench.notes.keys == ["order#42#2#receipt", "order#42#2#loyalty"]


def test_where_something_is_to_be_verified_a_probe_is_required() -> None:
    with pytest.raises(RegisterHookError, match="probe of 'receipt'"):
        Bench(using(HOOKED, "receipt", on_unknown="verify"))
