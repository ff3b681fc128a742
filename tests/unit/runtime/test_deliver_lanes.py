"""What the stream brings has lanes looked at: once each, whatever becomes of effects (promises 6 and 9)."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.fakes.hooks import raising
from tests.fakes.lanes import LaneBench, lane_of
from tests.fakes.stores import FaultyStore
from tests.fakes.uses import LATER
from tests.samples import JOB, laned
from workflow import Effect, hook, limit
from workflow.definition.definition import HookUse, State, Transition
from workflow.engine.entity import Entity
from workflow.engine.place import LaneKey, Place
from workflow.errors import HistoryConflictError, StoreUnavailableError, ThrottledError
from workflow.runtime.changes import Change, Copies
from workflow.runtime.lane_ports import LaneState


class Looked(FaultyStore):
    """Counts the looks at each lane, and fails for those of `failing`."""

    def __init__(self) -> None:
        super().__init__()
        self.looks: Counter[str] = Counter()
        self.failing: dict[str, Exception] = {}

    def lane(self, lane: LaneKey, *, waiting: int) -> LaneState:
        self.looks[lane.key] += 1
        if lane.key in self.failing:
            raise self.failing[lane.key]
        return super().lane(lane, waiting=waiting)


def _working(*states: str, hook: str = "work") -> dict[str, State]:
    return {**JOB.states, **{name: replace(JOB.states[name], on_enter=(HookUse(hook, LATER),)) for name in states}}


HOOKED = replace(JOB, states=_working("done", "pending"))


def _bench(**more: object) -> tuple[LaneBench, Looked]:
    store = Looked()
    return LaneBench(store=store, **more), store  # type: ignore[arg-type]


def _after(bench: LaneBench, seen: int) -> list[Change]:
    return list(bench.store.changes(seen))


def test_whoever_comes_to_wait_starts_if_there_is_a_slot() -> None:
    bench, _ = _bench()
    bench.add("a", "b")
    assert bench.deliver().started == 1
    assert bench.standing() == ({1: "a"}, ["b"])


def test_when_one_leaves_the_next_starts() -> None:
    bench, _ = _bench()
    bench.add("a", "b", "c")
    bench.settle()
    for leaving, trigger in (("a", "finish"), ("b", "retry"), ("c", "cancel")):
        seen = len(bench.store.changes())
        bench.flow.fire("job", leaving, trigger)
        assert bench.deliver(*_after(bench, seen)).started == 1
    assert bench.standing() == ({1: "b"}, [])


def test_a_lane_is_looked_at_once_however_many_changes_have_touched_it() -> None:
    bench, store = _bench(definition=laned(limit=50))
    bench.add(*(f"a{number}" for number in range(30)))
    bench.add(*(f"b{number}" for number in range(30)), repository="b")
    assert bench.deliver().started == 60
    assert store.looks == {"a": 1, "b": 1}


@pytest.mark.parametrize(("trigger", "payload"), [("note", {"note": 1}), ("start", {}), ("cancel", {})])
def test_what_frees_no_slot_and_has_nobody_wait_is_no_look(trigger: str, payload: dict[str, object]) -> None:
    bench, store = _bench()
    bench.add("a")
    bench.flow.fire("job", "a", trigger, payload)
    store.looks.clear()
    bench.deliver(bench.store.changes()[1])
    assert not store.looks


def test_kinds_without_lanes_are_no_look() -> None:
    bench, store = _bench(definition=replace(JOB, lanes={}))
    bench.add("a")
    bench.flow.fire("job", "a", "start")
    bench.deliver(*bench.store.changes(), bench.write_by_hand("a", state="done"))
    assert not store.looks


def test_one_that_moves_to_another_lane_is_looked_for_there() -> None:
    bench, _ = _bench()
    bench.add("a", "b")
    bench.settle()
    seen = len(bench.store.changes())
    bench.flow.fire("job", "b", "move", {"repository": "b"})
    assert bench.deliver(*_after(bench, seen)).started == 1
    assert bench.standing("b") == ({1: "b"}, [])


def test_after_a_look_that_failed_exactly_the_changes_that_touched_the_lane_come_again() -> None:
    bench, store = _bench(definition=HOOKED)
    bench.add("a1", "a2")
    bench.add("b1", repository="b")
    store.failing["a"] = ThrottledError("slow down")
    delivered = bench.deliver()
    assert [change.entity_id for change in delivered.failed] == ["a1", "a2"]
    assert (delivered.started, delivered.effects_done) == (1, 3)
    assert bench.states("a1", "a2", "b1") == ["pending", "pending", "active"]
    store.failing.clear()
    again = bench.deliver(*delivered.failed)
    assert (again.failed, again.started, again.effects_done) == ([], 1, 0)
    assert Counter(run[0] for run in bench.notes.ran) == {"a1": 1, "a2": 1, "b1": 1}


def test_a_limit_that_fails_holds_nobody_up_and_its_lane_is_watched() -> None:
    well = []

    @limit
    def build_limit(key: str) -> int:
        return 1 if key in well else 1 // 0

    bench, _ = _bench(definition=laned(HOOKED, limit_function="build_limit"), handlers=[build_limit])
    well.append("b")
    bench.add("a1")
    bench.add("b1", repository="b")
    delivered = bench.deliver()
    assert (delivered.failed, delivered.started, delivered.effects_done) == ([], 1, 2)
    assert bench.watched("a") == bench.clock.now() + timedelta(minutes=1)
    well.append("a")
    assert bench.sweep(after=61).started == 1


def test_a_lane_whose_rows_were_changed_by_hand_holds_nobody_up(caplog: pytest.LogCaptureFixture) -> None:
    bench, store = _bench()
    bench.add("a1")
    bench.add("b1", repository="b")
    store.failing["a"] = HistoryConflictError("item lane#job#build#a running#x was changed by hand")
    delivered = bench.deliver()
    assert (delivered.failed, delivered.started) == ([], 1)
    assert "running#x was changed by hand" in caplog.text


@pytest.mark.parametrize("how", ["fails", "is paused", "is unknown"])
def test_an_effect_of_the_one_that_leaves_does_not_hold_up_the_next(how: str) -> None:
    bench, _ = _bench(definition=replace(JOB, states=_working("done")))
    bench.add("a", "b")
    bench.settle()
    seen = len(bench.store.changes())
    bench.flow.fire("job", "a", "finish")
    if how == "fails":
        bench.notes.failing["work"] = raising(ValueError("no"))
    elif how == "is paused":
        bench.flow.operations.pause("work", reason="why not")
    else:
        bench.notes.failing["work"] = raising(KeyboardInterrupt())
    if how == "is unknown":
        with pytest.raises(KeyboardInterrupt):
            bench.deliver(*_after(bench, seen))
    else:
        assert bench.deliver(*_after(bench, seen)).put_aside == 1
    assert bench.states("a", "b") == ["done", "active"]


def test_one_whose_earlier_effects_are_put_aside_gives_its_slot_to_the_next_all_the_same() -> None:
    bench, _ = _bench(definition=replace(JOB, states=_working("active", "done")))
    bench.notes.failing["work"] = raising(ValueError("no"))
    bench.add("a", "b")
    bench.settle()
    assert [entry.parked is not None for entry in bench.store.ledger.entries("job", "a")] == [True]
    seen = len(bench.store.changes())
    bench.flow.fire("job", "a", "finish")
    assert bench.deliver(*_after(bench, seen)).started == 1
    assert bench.states("b") == ["active"]


def _gap(bench: LaneBench, entity_id: str, first: int, last: int) -> Change:
    """One change over several versions, as a stream that lost what was between would bring it."""
    steps = {change.version: change for change in bench.store.changes() if change.entity_id == entity_id}
    one, other = steps[first], steps[last]
    return other._replace(
        before_version=first,
        source=one.target,
        left=one.place,
        follows=one.follows,
        snapshots=Copies(one.snapshots.after(), other.snapshots.after()),
    )


def test_of_versions_that_the_stream_did_not_bring_the_lanes_are_looked_at_too() -> None:
    bench, _ = _bench()
    bench.add("a")
    for trigger, payload in (
        ("move", {"repository": "b"}),
        ("note", {"note": 1}),
        ("start", {}),
        ("fail", {}),
        ("again", {}),
        ("fail", {}),
    ):
        bench.flow.fire("job", "a", trigger, payload)
        if trigger == "start":
            bench.add("next", repository="b")
    # From waiting in b, by way of its slot, to where it is in no lane; the record of `next` was lost.
    gap = _gap(bench, "a", 3, 7)
    assert (gap.left and gap.left.is_waiting, gap.place) == (True, None)
    assert bench.deliver(gap).started == 1
    assert bench.states("next") == ["active"]


def test_over_a_gap_the_slot_that_was_held_before_is_given_to_the_next() -> None:
    bench, _ = _bench()
    bench.add("a", "next")
    bench.start()
    for trigger in ("note", "retry", "cancel"):
        bench.flow.fire("job", "a", trigger)
    assert bench.deliver(_gap(bench, "a", 2, 5)).started == 1
    assert bench.states("next") == ["active"]


def test_a_gap_whose_history_cannot_be_read_now_comes_again(monkeypatch: pytest.MonkeyPatch) -> None:
    bench, store = _bench()
    bench.add("a", "next")
    bench.start()
    for trigger in ("note", "finish"):
        bench.flow.fire("job", "a", trigger)
    gap = _gap(bench, "a", 2, 4)

    def failing(*_: object, **__: object) -> None:
        raise StoreUnavailableError("no answer")

    with monkeypatch.context() as outage:
        outage.setattr(store, "events", failing)
        assert {change.entity_id for change in bench.deliver(gap).failed} == {"a"}
    assert bench.deliver(gap).started == 1


def test_when_the_one_that_runs_is_deleted_by_hand_the_next_starts_at_once() -> None:
    bench, _ = _bench()
    bench.add("a", "b")
    bench.settle()
    delivered = bench.deliver(bench.delete_by_hand("a"))
    assert (delivered.started, delivered.violations) == (1, 1)
    assert bench.standing() == ({1: "b"}, [])


def test_of_one_that_waits_and_is_deleted_by_hand_no_place_is_left_however_far_behind() -> None:
    bench, _ = _bench()
    bench.add(*(f"{number:03d}" for number in range(150)))
    bench.start()
    bench.deliver(bench.delete_by_hand("149"))
    assert bench.standing()[1] == [f"{number:03d}" for number in range(1, 149)]


def test_one_that_was_put_back_since_it_was_deleted_by_hand_keeps_its_slot() -> None:
    bench, store = _bench()
    bench.add("a", "b")
    bench.settle()
    running = bench.get("a")
    deleted = bench.delete_by_hand("a")
    store.rewind(running)
    assert bench.deliver(deleted).started == 0
    assert bench.standing() == ({1: "a"}, ["b"])


def test_one_that_is_taken_out_of_the_running_state_by_hand_leaves_its_slot_to_the_next() -> None:
    bench, _ = _bench()
    bench.add("a", "b")
    bench.settle()
    # The write changes the state alone: the place is still written on it.
    assert bench.deliver(bench.write_by_hand("a", state="done")).started == 1
    assert bench.get("a").place is None
    assert bench.standing() == ({1: "b"}, [])


def test_one_that_is_taken_out_of_state_and_place_by_hand_leaves_its_slot_to_the_next() -> None:
    bench, _ = _bench()
    bench.add("a", "b")
    bench.settle()
    assert bench.deliver(bench.write_by_hand("a", state="done", place=None)).started == 1
    assert bench.standing() == ({1: "b"}, [])


def test_one_that_is_put_into_the_running_state_by_hand_counts_even_above_the_limit() -> None:
    bench, _ = _bench()
    bench.add("a", "b", "c")
    bench.settle()
    bench.deliver(bench.write_by_hand("b", state="active"))
    assert bench.standing() == ({1: "a", 2: "b"}, ["c"])
    bench.flow.fire("job", "a", "finish")
    assert bench.start().started == 0
    bench.flow.fire("job", "b", "finish")
    assert bench.start().started == 1


def test_one_that_is_put_among_those_that_wait_by_hand_has_its_turn() -> None:
    bench, _ = _bench()
    bench.add("a")
    bench.settle()
    bench.flow.fire("job", "a", "fail")
    bench.deliver(bench.write_by_hand("a", state="pending"))
    assert bench.states("a") == ["active"]
    assert bench.standing() == ({1: "a"}, [])


def test_one_that_runs_and_is_put_among_those_that_wait_by_hand_has_its_turn_again() -> None:
    bench, _ = _bench()
    bench.add("a")
    bench.add("b", priority=1)
    bench.settle()
    bench.deliver(bench.write_by_hand("a", state="pending"))
    assert bench.states("a", "b") == ["pending", "active"]
    assert bench.standing() == ({1: "b"}, ["a"])


def test_one_that_was_mended_before_a_look_that_failed_is_looked_for_again() -> None:
    bench, store = _bench()
    bench.add("a")
    bench.settle()
    bench.flow.fire("job", "a", "fail")
    change = bench.write_by_hand("a", state="pending")
    find = store.find_entity

    def failing_after_the_mending(kind: str, entity_id: str) -> Entity | None:
        found = find(kind, entity_id)
        if found is not None and found.place is not None:
            store.failing["a"] = ThrottledError("slow down")
        return found

    store.find_entity = failing_after_the_mending  # type: ignore[method-assign]
    assert {change.entity_id for change in bench.deliver(change).failed} == {"a"}
    store.find_entity = find  # type: ignore[method-assign]
    store.failing.clear()
    assert bench.deliver(change).started == 1


def test_one_whose_item_is_something_else_by_now_gives_its_slot_to_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    bench, store = _bench()
    bench.add("a", "b")
    bench.settle()
    change = bench.delete_by_hand("a")._replace(gone="what was written by hand in the entity's place is none")
    find = store.find_entity

    def damaged(kind: str, entity_id: str) -> Entity | None:
        if entity_id == "a":
            raise HistoryConflictError("it lacks 'version'")
        return find(kind, entity_id)

    monkeypatch.setattr(store, "find_entity", damaged)
    assert bench.deliver(change).started == 1


def test_an_entity_that_waited_before_its_lane_was_declared_takes_a_place_with_its_next_event() -> None:
    bench, _ = _bench(definition=replace(JOB, lanes={}))
    bench.add("old")
    assert bench.get("old").place is None
    bench.deploy(replace(JOB, version=2))
    bench.settle()
    seen = len(bench.store.changes())
    bench.flow.fire("job", "old", "note")
    assert bench.deliver(*_after(bench, seen)).started == 1
    assert bench.standing() == ({1: "old"}, [])


def test_an_entity_that_ran_before_its_lane_was_declared_leaves_without_a_slot() -> None:
    bench, _ = _bench(definition=replace(JOB, lanes={}))
    bench.add("old")
    bench.flow.fire("job", "old", "start")
    bench.deploy(replace(JOB, version=2))
    bench.add("new")
    bench.settle()
    bench.flow.fire("job", "old", "finish")
    assert bench.standing() == ({1: "new"}, [])


def test_when_the_lane_is_no_longer_declared_those_in_it_leave_no_rows_behind() -> None:
    bench, _ = _bench()
    bench.add("a", "b")
    bench.settle()
    bench.deploy(replace(JOB, version=2, lanes={}))
    bench.flow.fire("job", "a", "finish")
    bench.flow.fire("job", "b", "start")
    assert bench.standing() == ({}, [])
    assert bench.get("b").place is None
    assert bench.settle().failed == []


def test_a_circle_through_a_lane_comes_to_an_end() -> None:
    @hook
    def again(effect: Effect) -> None:
        effect.fire("retry")

    states = {**JOB.states, "active": State("active", on_enter=(HookUse("again", LATER),))}
    bench = LaneBench(replace(JOB, states=states), handlers=[again], max_depth=5)
    bench.add("a")
    bench.settle()
    assert [event.depth for event in bench.flow.history("job", "a")] == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5]
    (parked,) = [entry.parked for entry in bench.store.ledger.entries("job", "a") if entry.parked]
    assert parked.next_at is None
    # It runs on: who was started is in the lane, and a person sees it.
    assert bench.standing() == ({1: "a"}, [])


def test_what_comes_twice_starts_nobody_twice() -> None:
    bench, _ = _bench(definition=laned(limit=2))
    bench.add(*"abcd")
    for _ in range(3):
        bench.deliver()
    assert bench.standing() == ({1: "a", 2: "b"}, ["c", "d"])
    assert len(bench.store.changes()) == 6


def test_another_way_of_the_same_trigger_is_a_way_out_too() -> None:
    on = Transition("start", "active", "failed")
    bench, _ = _bench(definition=replace(JOB, transitions=(*JOB.transitions, on)))
    bench.add("a", "b")
    bench.settle()
    bench.flow.fire("job", "a", "start")
    bench.settle()
    assert bench.states("a", "b") == ["failed", "active"]


def test_the_place_is_told_with_entity_and_event() -> None:
    bench, _ = _bench()
    bench.add("a")
    bench.settle()
    assert bench.get("a").place == Place("build", "a", bench.get("a").changed_at, slot=1)
    assert lane_of("a") == bench.get("a").place.at("job")  # type: ignore[union-attr]
