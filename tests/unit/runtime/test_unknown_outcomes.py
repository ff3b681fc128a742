"""A run that was cut off is repeated, asked about, or left to a person, as the definition says (promise 4)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.fakes.clock import START
from tests.fakes.hooks import raising
from tests.fakes.ledgers import Crash
from tests.fakes.uses import LATER, using
from tests.unit.runtime.delivery import HOOKED, Bench
from workflow import Effect
from workflow.definition.definition import Retry
from workflow.errors import RegisterHookError, TransitionError
from workflow.runtime.changes import Change
from workflow.runtime.ledger_entry import Attempt, Outcome
from workflow.runtime.marks import probe

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


def _sweeper_died(on_unknown: str, answers: Callable[[Effect], object] | None = None) -> Bench:
    """An order that was put aside, and whose sweeper died while it ran the hook; its lease is over."""
    bench, paid = _bench(on_unknown, answers, retry=LATER)
    bench.notes.failing["receipt"] = raising(ValueError("no printer"))
    bench.deliver(paid)
    bench.notes.failing["receipt"] = raising(Crash())
    with pytest.raises(Crash):
        bench.sweep(after=30)
    assert bench.statuses()[1] == (2, "receipt", "owed", 1)
    bench.clock.advance(65)
    bench.notes.failing.clear()
    bench.notes.forget()
    return bench


def test_of_a_redriven_entity_whose_sweeper_died_in_the_middle_the_probe_is_asked() -> None:
    asked: list[tuple[str, int]] = []
    bench = _sweeper_died("verify", lambda effect: asked.append((effect.key, effect.attempt)) or True)
    bench.flow.operations.redrive("order", "42")
    assert bench.statuses()[1] == (2, "receipt", "unknown", 2)
    assert bench.sweep().effects_done == 2
    assert asked == [("order#42#2#receipt", 2)]
    assert bench.notes.ran == [("42", 2, "loyalty", 1)]
    assert bench.statuses()[1:] == [(2, "receipt", "done", 2), (2, "loyalty", "done", 1)]


def test_a_redriven_entity_whose_sweeper_died_in_the_middle_waits_for_a_person_before_it_is_repeated() -> None:
    bench = _sweeper_died("park")
    bench.flow.operations.redrive("order", "42")
    assert bench.sweep().for_people == {("order", "receipt"): 1}
    assert bench.notes.ran == []
    assert bench.waiting_for() == [(2, "receipt", "unknown")]
    assert bench.statuses()[1] == (2, "receipt", "parked", 2)
    bench.flow.operations.redrive("order", "42")
    assert bench.sweep().effects_done == 2
    assert bench.notes.ran == [("42", 2, "receipt", 3), ("42", 2, "loyalty", 1)]
    assert bench.waiting_for() == []


def test_a_redriven_effect_whose_probe_had_failed_is_asked_about_again() -> None:
    answers: list[object] = []

    def probe_of(effect: Effect) -> object:
        answers.append(effect.key)
        if len(answers) == 1:
            raise TimeoutError("no answer")
        return True

    bench, paid = _bench("verify", probe_of, retry=Retry(attempts=1))
    _cut_off(bench, paid)
    assert bench.deliver(paid).for_people == {("order", "receipt"): 1}
    assert bench.waiting_for() == [(2, "receipt", "unknown")]
    bench.notes.failing.clear()
    bench.notes.forget()
    bench.flow.operations.redrive("order", "42")
    assert bench.sweep().effects_done == 2
    assert len(answers) == 2
    assert bench.notes.ran == [("42", 2, "loyalty", 1)]
    assert bench.statuses()[1] == (2, "receipt", "done", 1)


def test_a_redriven_effect_that_only_a_person_could_judge_is_run() -> None:
    bench, paid = _bench("park")
    _cut_off(bench, paid)
    bench.deliver(paid)
    bench.notes.failing.clear()
    bench.notes.forget()
    bench.flow.operations.redrive("order", "42")
    assert bench.sweep().effects_done == 2
    assert bench.notes.ran == [("42", 2, "receipt", 2), ("42", 2, "loyalty", 1)]


def test_what_a_probe_settles_keeps_the_attempts_that_failed_and_no_error() -> None:
    bench = _sweeper_died("verify", lambda effect: True)
    failed = Attempt(START, 0, "ValueError: no printer")
    bench.sweep()
    assert bench.entry().outcomes["receipt"] == Outcome(
        "done", 2, bench.clock.now(), 0, "", "", (failed,), "its probe says it had happened"
    )


def test_the_error_that_a_person_is_told_leaves_the_attempt_before_it_in_its_place() -> None:
    bench = _sweeper_died("park")
    failed = Attempt(START, 0, "ValueError: no printer")
    bench.sweep()
    assert bench.entry().outcomes["receipt"] == Outcome("parked", 2, bench.clock.now(), 0, CUT_OFF, "", (failed,))
    bench.flow.operations.redrive("order", "42")
    bench.notes.failing["receipt"] = raising(TransitionError("no way"))
    ended = bench.clock.now()
    bench.sweep()
    assert bench.entry().outcomes["receipt"].earlier == (failed, Attempt(ended, 0, CUT_OFF))
