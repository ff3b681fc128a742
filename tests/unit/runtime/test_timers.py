"""A timer fires once if the entity is still at the version that set it, and never otherwise."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.fakes.clock import START
from tests.fakes.hooks import Notebook, raising
from tests.fakes.stores import Fault
from tests.samples import COUNTER
from tests.unit.runtime.delivery import HOOKED, Bench
from workflow import guard
from workflow.definition.definition import Definition, Guard, State, Timer
from workflow.runtime.commit import MAX_COMMITS
from workflow.runtime.ports import SetTimer


def _timed(**timers: tuple[Timer, ...]) -> Definition:
    states: dict[str, State] = {
        name: replace(state, timers=timers.get(name, ())) for name, state in HOOKED.states.items()
    }
    return replace(HOOKED, states=states)


HALF_AN_HOUR = Timer(1800, "cancel")


@pytest.fixture
def bench() -> Bench:
    """Orders that are cancelled after half an hour; the order 42 is placed."""
    bench = Bench(_timed(placed=(HALF_AN_HOUR,)))
    bench.flow.create("order", "42")
    return bench


def _triggers(bench: Bench) -> list[str]:
    return [event.trigger for event in bench.flow.history("order", "42")]


def _timer(bench: Bench) -> SetTimer | None:
    return bench.store.find_timer("order", "42")


def test_a_timer_is_set_on_entering_its_state(bench: Bench) -> None:
    assert _timer(bench) == SetTimer("order", "42", 1, "cancel", START + timedelta(seconds=1800))


def test_a_timer_fires_once_at_its_moment(bench: Bench) -> None:
    assert bench.sweep(after=1799.999).timers_fired == 0
    assert bench.sweep(after=0.001).timers_fired == 1
    assert bench.sweep(after=10**6).timers_fired == 0
    assert _triggers(bench) == ["create", "cancel"]
    event = bench.flow.history("order", "42")[1]
    assert (event.by, event.payload, event.depth, event.cause) == ("timer", {}, 0, "")
    assert _timer(bench) is None


def test_a_timer_of_a_state_that_was_left_is_forgotten(bench: Bench) -> None:
    bench.flow.fire("order", "42", "pay", {"amount": 1000})
    assert bench.sweep(after=10**6).timers_fired == 0
    assert _triggers(bench) == ["create", "pay"]
    assert _timer(bench) is None


def test_a_self_transition_starts_the_time_anew(bench: Bench) -> None:
    bench.clock.advance(1000)
    bench.flow.fire("order", "42", "annotate")
    assert bench.sweep(after=800).timers_fired == 0
    assert bench.sweep(after=1000).timers_fired == 1
    assert _triggers(bench) == ["create", "annotate", "cancel"]


def test_of_several_timers_the_soonest_fires_and_the_next_takes_the_place_of_one_that_is_refused() -> None:
    bench = Bench(_timed(placed=(Timer(90, "cancel"), Timer(60, "ship"), Timer(30, "pay"))))
    bench.flow.create("order", "42")
    for wait, standing in ((30, "ship"), (30, "cancel")):
        assert bench.sweep(after=wait).timers_fired == 0
        timer = _timer(bench)
        assert timer is not None
        assert (timer.trigger, timer.version, timer.refused) == (standing, 1, "")
    assert bench.sweep(after=30).timers_fired == 1
    assert _triggers(bench) == ["create", "cancel"]


def test_a_timer_that_is_refused_is_kept_with_the_reason_and_not_tried_again() -> None:
    bench = Bench(_timed(placed=(Timer(60, "ship"),)))
    bench.flow.create("order", "42")
    assert bench.sweep(after=60).timers_fired == 0
    refused = "order 42: no transition 'ship' from 'placed' (version 1); from here: pay, annotate, reprice, cancel"
    kept = SetTimer("order", "42", 1, "ship", START + timedelta(seconds=60), refused)
    assert _timer(bench) == kept
    reads = bench.store.reads
    assert bench.sweep(after=60).timers_fired == 0
    assert (bench.store.reads, _timer(bench)) == (reads, kept)


def test_a_timer_that_leads_to_a_state_with_one_of_its_own_leaves_that() -> None:
    bench = Bench(_timed(placed=(Timer(60, "annotate"),)))
    bench.flow.create("order", "42")
    for _ in range(3):
        assert bench.sweep(after=60).timers_fired == 1
    assert _triggers(bench) == ["create"] + ["annotate"] * 3
    timer = _timer(bench)
    assert timer is not None
    assert (timer.version, timer.at) == (4, bench.clock.now() + timedelta(seconds=60))


@pytest.mark.parametrize("fault", ["throttle", "conflict", "lost request"])
def test_a_timer_that_could_not_be_recorded_is_due_again(bench: Bench, fault: Fault) -> None:
    bench.store.faults = [fault] * MAX_COMMITS
    assert bench.sweep(after=1800).timers_fired == 0
    assert _timer(bench) is not None
    assert bench.sweep().timers_fired == 1
    assert _triggers(bench) == ["create", "cancel"]


def test_a_timer_whose_answers_were_all_lost_has_fired_once(bench: Bench) -> None:
    bench.store.faults = ["lost answer"] * MAX_COMMITS
    bench.sweep(after=1800)
    bench.sweep()
    assert _triggers(bench) == ["create", "cancel"]
    assert _timer(bench) is None


def test_of_two_sweepers_at_once_one_fires_the_timer(bench: Bench) -> None:
    inner = []
    bench.clock.advance(1800)
    bench.store.meanwhile = lambda: inner.append(bench.sweep().timers_fired)
    assert [bench.sweep().timers_fired, *inner] == [0, 1]
    assert _triggers(bench) == ["create", "cancel"]


def test_somebody_who_leaves_the_state_at_the_same_moment_is_not_overtaken(bench: Bench) -> None:
    bench.clock.advance(1800)
    bench.store.meanwhile = lambda: bench.flow.fire("order", "42", "pay", {"amount": 1000})
    assert bench.sweep().timers_fired == 0
    assert _triggers(bench) == ["create", "pay"]


def test_an_entity_that_was_deleted_keeps_its_timer_as_refused(bench: Bench) -> None:
    bench.store.delete("order", "42")
    bench.sweep(after=1800)
    timer = _timer(bench)
    assert timer is not None
    assert timer.refused == "there is no order 42; create it first"


def test_what_a_timer_does_is_delivered_like_any_change() -> None:
    bench = Bench(_timed(placed=(Timer(60, "annotate"),)))
    bench.flow.create("order", "42")
    bench.sweep(after=60)
    assert bench.deliver().effects_done == 2
    assert bench.notes.keys == ["order#42#1#greet", "order#42#2#greet"]


def test_a_timer_fires_before_due_effects_that_take_all_the_time_of_a_sweep() -> None:
    bench = Bench(_timed(placed=(HALF_AN_HOUR,)), workers=1)
    bench.notes.failing["receipt"] = raising(ValueError("no printer"))
    bench.deliver(bench.only_paid("slow"))
    bench.flow.create("order", "42")
    bench.notes.failing["receipt"] = lambda effect: bench.clock.advance(60)
    delivered = bench.sweep(after=1800)
    assert (delivered.timers_fired, delivered.effects_done) == (1, 1)
    assert _triggers(bench) == ["create", "cancel"]


def test_a_timer_whose_transition_the_table_denies_us_is_due_again(bench: Bench) -> None:
    timer = _timer(bench)
    bench.store.faults = ["denied"]
    assert bench.sweep(after=1800).timers_fired == 0
    assert _timer(bench) == timer
    assert bench.sweep().timers_fired == 1
    assert _triggers(bench) == ["create", "cancel"]


def test_a_timer_of_a_kind_that_is_not_deployed_here_is_due_again(bench: Bench) -> None:
    timer = _timer(bench)
    bench.deploy(COUNTER)
    assert bench.sweep(after=1800).timers_fired == 0
    assert _timer(bench) == timer
    bench.deploy(bench.definition)
    assert bench.sweep().timers_fired == 1


def test_a_timer_whose_guard_fails_is_due_again_and_one_whose_guard_says_no_is_over() -> None:
    order = _timed(placed=(HALF_AN_HOUR,))
    ways = tuple(replace(t, guard=Guard(function="open")) if t.trigger == "cancel" else t for t in order.transitions)
    answers: list[bool | Exception] = [ConnectionError("no answer"), True]

    @guard(name="open")
    def is_open(seen: dict[str, object]) -> bool:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    notes = Notebook("greet", "receipt", "loyalty", "notify")
    notes.handlers.append(is_open)
    bench = Bench(replace(order, transitions=ways), notes=notes)
    bench.flow.create("order", "42")
    timer = _timer(bench)
    assert bench.sweep(after=1800).timers_fired == 0
    assert _timer(bench) == timer
    assert bench.sweep().timers_fired == 1
    assert _triggers(bench) == ["create", "cancel"]
