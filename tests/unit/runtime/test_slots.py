"""How many may run, which slots are free, and what is said when there is none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.fakes.lanes import LaneBench
from tests.fakes.uses import LATER
from tests.samples import JOB, laned
from tests.writes import BEGINNING
from workflow import Effect, hook, limit
from workflow.definition.definition import HookUse, Retry, State, Timer
from workflow.engine.place import Place
from workflow.errors import LaneFullError, LimitError, PayloadError, StoreUnavailableError, TransitionError
from workflow.runtime.lane_ports import InLane
from workflow.runtime.slots import free_slots, limit_of


def _running(*slots: int) -> list[InLane]:
    return [InLane(f"in {slot}", Place("build", "a", BEGINNING, slot=slot)) for slot in slots]


@pytest.mark.parametrize(
    ("running", "most", "free"),
    [
        ((), 0, []),
        ((), 1, [1]),
        ((), 3, [1, 2, 3]),
        ((2,), 3, [1, 3]),
        ((1, 2, 3), 3, []),
        # The limit was lowered: whoever runs in a slot beyond it counts.
        ((7,), 1, []),
        ((7, 8, 9), 2, []),
        ((7,), 2, [1]),
        ((2, 7), 3, [1]),
        # It was raised.
        ((1,), 3, [2, 3]),
        ((1, 3, 5), 5, [2, 4]),
    ],
)
def test_free_slots_are_the_lowest_and_never_more_than_may_run(
    running: tuple[int, ...], most: int, free: list[int]
) -> None:
    assert free_slots(_running(*running), most) == free


def _asked(said: object) -> int:
    @limit
    def build_limit(key: str) -> object:
        if isinstance(said, BaseException):
            raise said
        return said

    bench = LaneBench(laned(limit_function="build_limit"), handlers=[build_limit])
    return limit_of(bench.flow.runtime, bench.flow.definitions.find("job").lanes["build"], "a")  # type: ignore[union-attr]


@pytest.mark.parametrize("said", [0, 1, 1000])
def test_a_function_says_the_limit(said: int) -> None:
    assert _asked(said) == said


def test_a_function_is_given_the_key() -> None:
    keys: list[str] = []

    @limit
    def build_limit(key: str) -> int:
        keys.append(key)
        return 1

    bench = LaneBench(laned(limit_function="build_limit"), handlers=[build_limit])
    bench.add("1", repository=17)
    bench.start("17")
    bench.flow.fire("job", "1", "note")
    assert keys == ["17"]


@pytest.mark.parametrize("said", [True, False, -1, 1001, 1.0, "1", None, [1]])
def test_what_is_no_limit_is_told_by_its_type_alone(said: object) -> None:
    text = f"the limit 'build_limit' must return a whole number from 0 to 1000, not {type(said).__name__}"
    with pytest.raises(LimitError) as caught:
        _asked(said)
    assert str(caught.value) == text


def test_a_limit_that_raises_is_told_without_its_words() -> None:
    secret = "canary"
    with pytest.raises(LimitError) as caught:
        _asked(ValueError(secret))
    assert str(caught.value) == "the limit 'build_limit' failed: ValueError"


def test_who_ran_before_there_was_the_lane_is_counted_from_its_next_transition_on() -> None:
    bench = LaneBench(replace(JOB, lanes={}))
    bench.add("a", "b")
    bench.flow.fire("job", "a", "start")
    bench.flow.fire("job", "b", "start")
    bench.deploy(replace(JOB, version=2))
    for entity_id in "ab":
        bench.flow.fire("job", entity_id, "note")
    assert bench.standing() == ({1: "a", 2: "b"}, [])


def test_a_limit_that_nobody_registers_is_told_with_the_way_out() -> None:
    bench = LaneBench()
    lane = laned(limit_function="gone").lanes["build"]
    with pytest.raises(LimitError) as caught:
        limit_of(bench.flow.runtime, lane, "a")
    assert str(caught.value) == "no handler module registers the limit 'gone'; add it with @limit"


def test_a_start_by_hand_takes_a_free_slot_whoever_waits_before() -> None:
    bench = LaneBench()
    bench.add("a", "b")
    place = bench.flow.fire("job", "b", "start").entity.place
    assert place == Place("build", "a", bench.get("b").changed_at, slot=1)
    assert bench.standing() == ({1: "b"}, ["a"])


def test_a_start_by_hand_into_a_full_lane_is_to_be_asked_again() -> None:
    bench = LaneBench(laned(limit=6))
    bench.add(*"abcdefg")
    bench.start()
    with pytest.raises(LaneFullError) as caught:
        bench.flow.fire("job", "g", "start")
    assert str(caught.value) == (
        "job g: 'start' needs a slot of the lane build of job for 'a', and all 6 are taken: a, b, c, d, e ...; "
        "ask again later"
    )
    assert bench.get("g").state == "pending"
    bench.flow.fire("job", "c", "finish")
    assert bench.flow.fire("job", "g", "start").entity.place.slot == 3  # type: ignore[union-attr]


def test_of_a_lane_without_a_key_none_is_named() -> None:
    bench = LaneBench(laned(by=""))
    bench.add("a", "b")
    bench.start("")
    with pytest.raises(LaneFullError, match="needs a slot of the lane build of job, and all 1 are taken: a; ask"):
        bench.flow.fire("job", "b", "start")


def test_a_start_that_is_repeated_by_its_request_id_gets_the_same_answer_though_the_lane_is_full() -> None:
    bench = LaneBench()
    bench.add("a", "b")
    first = bench.flow.fire("job", "a", "start", request_id="r")
    assert bench.flow.fire("job", "a", "start", request_id="r") == first.__class__(first.event, first.entity, True)
    bench.flow.fire("job", "a", "retry")
    bench.flow.fire("job", "b", "start")
    # It would be refused now, if it were another one.
    assert bench.flow.fire("job", "a", "start", request_id="r").event == first.event
    with pytest.raises(LaneFullError):
        bench.flow.fire("job", "a", "start", request_id="s")


def test_a_start_whose_answer_was_lost_is_told_as_what_it_was() -> None:
    bench = LaneBench()
    bench.add("a")
    bench.store.faults = ["lost answer"]
    assert bench.flow.fire("job", "a", "start").event.version == 2
    assert bench.standing() == ({1: "a"}, [])


def test_an_entity_is_created_in_its_place() -> None:
    running = LaneBench(laned(JOB, waiting="failed", running="pending", trigger="retry"))
    assert running.add("a").place.slot == 1  # type: ignore[union-attr]
    with pytest.raises(LaneFullError, match=r"^job b: 'create' needs a slot"):
        running.add("b")
    assert list(running.store.events("job", "b")) == []


@pytest.mark.parametrize("repository", [True, False, ["a"], {"a": 1}, "", 1.5, "x" * 901])
def test_data_that_gives_no_key_is_refused_before_anything_is_written(repository: object) -> None:
    bench = LaneBench()
    with pytest.raises(PayloadError, match=r"^job 1: 'create': the .*lane 'build'"):
        bench.add("1", repository=repository)
    with pytest.raises(PayloadError, match=r"^job 2: 'create': the lane 'build' needs a key"):
        bench.add("2", repository=None)
    bench.add("3")
    with pytest.raises(PayloadError, match=r"^job 3: 'move': the .*lane 'build'"):
        bench.flow.fire("job", "3", "move", {"repository": repository})
    assert bench.get("3").version == 1
    assert bench.store.lane_keys() == [("job", "build", "a")]


@pytest.mark.parametrize("priority", [True, "high", [1], {}])
def test_data_that_gives_no_number_is_refused_before_anything_is_written(priority: object) -> None:
    bench = LaneBench()
    with pytest.raises(PayloadError) as caught:
        bench.add("1", priority=priority)
    assert str(caught.value) == "job 1: 'create': the lane 'build' needs a number from 'data.priority'"


def test_leaving_gives_the_slot_back_by_every_way_out() -> None:
    for trigger in ("finish", "fail", "cancel", "retry"):
        bench = LaneBench()
        bench.add("a")
        bench.start()
        bench.flow.fire("job", "a", trigger)
        assert bench.standing() == ({}, ["a"] if trigger == "retry" else [])


def test_a_new_turn_waits_behind_those_that_came_meanwhile() -> None:
    bench = LaneBench()
    bench.add("a", "b")
    bench.start()
    bench.flow.fire("job", "a", "retry")
    assert bench.standing() == ({}, ["b", "a"])


def test_a_timer_out_of_the_running_state_gives_the_slot_back() -> None:
    timed = {**JOB.states, "active": State("active", timers=(Timer(60, "fail"),))}
    bench = LaneBench(replace(JOB, states=timed))
    bench.add("a", "b")
    bench.start()
    assert bench.sweep(after=61).timers_fired == 1
    assert bench.states("a", "b") == ["failed", "active"]


def test_a_slot_lost_to_somebody_else_stays_with_that_one_and_the_entity_has_no_place_any_more() -> None:
    bench = LaneBench()
    bench.add("a", "b")
    bench.start()
    place = bench.get("a").place
    assert place is not None
    bench.store.remove_from_lane(place.at("job"), InLane("a", place))
    bench.start()
    assert bench.states("a", "b") == ["active", "active"]
    assert bench.flow.fire("job", "a", "finish").entity.place is None
    assert bench.get("a").place is None
    assert bench.standing() == ({1: "b"}, [])


def _then(said: str, work: Callable[[Effect], object]) -> LaneBench:
    use = HookUse("do_it", Retry(attempts=1), **({"then": "finish"} if said == "then" else {"catch": {"*": "fail"}}))
    states = {**JOB.states, "active": State("active", on_enter=(use,))}
    return LaneBench(replace(JOB, states=states), handlers=[hook(name="do_it")(work)])


@pytest.mark.parametrize("said", ["then", "catch"])
def test_what_follows_an_effect_gives_the_slot_back_with_its_outcome_in_one_transaction(said: str) -> None:
    def work(effect: Effect) -> None:
        if said == "catch":
            raise ValueError("no")

    bench = _then(said, work)
    bench.add("a")
    bench.add("b")
    bench.start()
    written = len(bench.store.writes)
    bench.deliver(bench.store.changes()[2])
    (write,) = bench.store.writes[written : written + 1]
    assert write.settles is not None
    assert (write.before and write.before.place and write.before.place.slot, write.after.place) == (1, None)
    assert bench.states("a") == ["done" if said == "then" else "failed"]
    assert bench.standing()[0] == {}


def test_an_effect_that_needs_a_slot_waits_until_there_is_one() -> None:
    def work(effect: Effect) -> None:
        if effect.id == "b":
            effect.fire("start", kind="job", id="c")

    states = {**JOB.states, "pending": State("pending", on_enter=(HookUse("do_it", LATER),))}
    bench = LaneBench(replace(JOB, states=states), handlers=[hook(name="do_it")(work)])
    bench.add("a", "c", "b")
    bench.start()
    bench.deliver()
    assert [entry.parked.why for entry in bench.store.ledger.entries("job", "b") if entry.parked] == ["retry"]
    bench.flow.fire("job", "a", "finish")
    bench.sweep(after=31)
    assert bench.states("c") == ["active"]
    with pytest.raises(TransitionError):
        bench.flow.fire("job", "c", "start")


def test_a_limit_that_was_lowered_lets_those_that_run_run_on() -> None:
    bench = LaneBench(laned(limit=3))
    bench.add(*"abcde")
    bench.start()
    bench.deploy(laned(limit=1))
    for leaving in "ab":
        bench.flow.fire("job", leaving, "finish")
        assert bench.start().started == 0
    bench.flow.fire("job", "c", "finish")
    assert bench.start().started == 1
    assert bench.standing() == ({1: "d"}, ["e"])


def test_a_limit_that_was_raised_is_taken_up_by_the_sweeper_within_a_minute() -> None:
    bench = LaneBench()
    bench.add(*"abc")
    bench.start()
    bench.deploy(laned(limit=2))
    assert bench.sweep(after=59).started == 0
    assert bench.sweep(after=2).started == 1
    assert bench.standing() == ({1: "a", 2: "b"}, ["c"])
    watched = bench.watched()
    assert watched is not None
    assert watched <= bench.clock.now() + timedelta(minutes=1)


def test_a_start_that_was_not_answered_and_then_found_no_slot_is_not_told_to_be_refused() -> None:
    bench = LaneBench()
    bench.add("a", "b")

    def once_more() -> None:
        bench.store.meanwhile = lambda: bench.flow.fire("job", "b", "start")

    bench.store.faults, bench.store.meanwhile = ["lost request"], once_more
    with pytest.raises(StoreUnavailableError, match="may or may not have been recorded"):
        bench.flow.fire("job", "a", "start")
    assert bench.standing() == ({1: "b"}, ["a"])
