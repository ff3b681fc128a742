"""Who is next is started while there are slots, whoever else is at it, and nobody is started twice (promise 9)."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.fakes.lanes import LaneBench, lane_of
from tests.fakes.stores import FaultyStore
from tests.samples import JOB, laned
from workflow import limit
from workflow.definition.definition import Guard, Lane, Transition
from workflow.engine.place import LaneKey
from workflow.errors import (
    ContentionError,
    LaneFullError,
    LimitError,
    StoreAccessError,
    ThrottledError,
    TransitionError,
)
from workflow.runtime.lane_ports import LaneState
from workflow.runtime.ports import Contested, Write
from workflow.runtime.start_waiting import WATCH, Started

THREADS = 8


def test_the_best_of_those_that_wait_is_started_and_takes_the_slot() -> None:
    bench = LaneBench()
    bench.add("old")
    bench.add("urgent", priority=5)
    assert bench.start() == Started(1, True)
    assert bench.standing() == ({1: "urgent"}, ["old"])
    event = bench.flow.history("job", "urgent")[-1]
    assert (event.trigger, event.by, event.payload, event.depth) == ("start", "lane:build", {}, 0)
    assert event.place == bench.get("urgent").place


def test_as_many_are_started_as_there_are_slots_and_slots_are_numbered_from_one() -> None:
    bench = LaneBench(laned(limit=3))
    bench.add("a", "b", "c", "d")
    assert bench.start() == Started(3, True)
    assert bench.standing() == ({1: "a", 2: "b", 3: "c"}, ["d"])
    bench.flow.fire("job", "b", "finish")
    assert bench.start() == Started(1, False)
    assert bench.standing() == ({1: "a", 2: "d", 3: "c"}, [])


def test_a_lane_that_is_full_starts_nobody_and_is_watched_for_a_minute() -> None:
    bench = LaneBench()
    bench.add("a", "b")
    bench.start()
    watched = bench.watched()
    assert watched == bench.clock.now() + WATCH
    bench.clock.advance(30)
    assert bench.start() == Started(0, True)
    assert bench.watched() == watched


def test_a_lane_in_which_nobody_is_left_waiting_is_not_watched() -> None:
    bench = LaneBench(laned(limit=2))
    bench.add("a", "b")
    assert bench.start() == Started(2, False)
    assert bench.watched() is None


def test_each_key_has_slots_of_its_own() -> None:
    bench = LaneBench()
    bench.add("a1", "a2")
    bench.add("b1", repository="b")
    assert (bench.start("a"), bench.start("b")) == (Started(1, True), Started(1, False))
    assert bench.states("a1", "a2", "b1") == ["active", "pending", "active"]


def test_a_lane_without_a_key_is_one_for_all() -> None:
    bench = LaneBench(laned(by=""))
    bench.add("a", repository="a")
    bench.add("b", repository="b")
    assert bench.start("") == Started(1, True)
    assert bench.standing("") == ({1: "a"}, ["b"])


def test_a_lane_that_is_not_declared_here_starts_nobody() -> None:
    bench = LaneBench()
    bench.add("a")
    bench.deploy(replace(JOB, lanes={}))
    assert bench.start() == Started(0, False)
    assert bench.store.lane(LaneKey("unknown", "build", ""), waiting=1).running == []


def _guarded(expression: str) -> LaneBench:
    start = Transition("start", "pending", "active", guard=Guard(expression))
    return LaneBench(replace(JOB, transitions=(start, *JOB.transitions[1:])))


def test_whoever_refuses_is_passed_over_and_asked_again_with_the_next_look() -> None:
    bench = _guarded("data.note == 'go'")
    bench.add("a")
    bench.add("b", note="go")
    assert bench.start() == Started(1, True)
    assert bench.standing() == ({1: "b"}, ["a"])
    bench.flow.fire("job", "b", "finish")
    assert bench.start() == Started(0, True)
    bench.flow.fire("job", "a", "note", {"note": "go"})
    assert bench.start() == Started(1, False)


def test_many_who_refuse_keep_nobody_behind_them_from_the_slot() -> None:
    bench = _guarded("data.note == 'go'")
    bench.add(*(f"{number:04d}" for number in range(1500)))
    bench.add("last", note="go")
    bench.store.reads = 0
    assert bench.start() == Started(1, True)
    # Each is asked once, by a read, and one more before a refusal is final.
    assert bench.store.reads <= 2 * 1501
    assert bench.get("last").state == "active"
    # Nobody else was faster: there was nothing to wait for.
    assert bench.clock.slept == []


def test_when_all_refuse_the_look_ends_and_the_lane_is_watched() -> None:
    bench = _guarded("data.note == 'go'")
    bench.add(*(f"{number:04d}" for number in range(1500)))
    assert bench.start() == Started(0, True)
    assert bench.watched() is not None


def test_a_guard_that_leads_elsewhere_leaves_the_slot_for_the_next() -> None:
    ways = (
        Transition("start", "pending", "cancelled", guard=Guard("data.note == 'stale'")),
        Transition("start", "pending", "active", guard=Guard("data.note != 'stale'")),
    )
    bench = LaneBench(replace(JOB, transitions=(*ways, *JOB.transitions[1:])))
    bench.add("a", "b", note="stale")
    bench.add("c", "d")
    assert bench.start() == Started(1, True)
    assert bench.states("a", "b", "c", "d") == ["cancelled", "cancelled", "active", "pending"]


class Racing(FaultyStore):
    """Somebody comes between the look at a lane and what is done about it, once."""

    between: Callable[[], object] | None = None

    def lane(self, lane: LaneKey, *, waiting: int) -> LaneState:
        found = super().lane(lane, waiting=waiting)
        if waiting and self.between:
            between, self.between = self.between, None
            between()
        return found


def test_one_who_was_started_meanwhile_is_not_started_again_though_its_trigger_leads_on() -> None:
    on = Transition("start", "active", "active")
    store = Racing()
    bench = LaneBench(replace(laned(limit=2), transitions=(*JOB.transitions, on)), store=store)
    bench.add("a", "b")
    store.between = lambda: bench.flow.fire("job", "a", "start")
    assert bench.start() == Started(1, False)
    assert [event.trigger for event in bench.flow.history("job", "a")] == ["create", "start"]
    assert bench.standing() == ({1: "a", 2: "b"}, [])


@limit
def by_key(key: str) -> int:
    return {"wide": 2}.get(key, 1)


def test_one_who_moved_to_another_queue_meanwhile_takes_no_slot_there_that_its_limit_does_not_know() -> None:
    store = Racing()
    bench = LaneBench(laned(limit_function="by_key"), handlers=[by_key], store=store)
    bench.add("narrow1", repository="narrow")
    bench.start("narrow")
    bench.add("wide1", "mover", "wide2", repository="wide")
    bench.flow.fire("job", "wide1", "start")
    store.between = lambda: bench.flow.fire("job", "mover", "move", {"repository": "narrow"})
    assert bench.start("wide").started == 1
    assert bench.standing("narrow") == ({1: "narrow1"}, ["mover"])
    assert bench.standing("wide") == ({1: "wide1", 2: "wide2"}, [])


def test_one_who_moved_to_another_queue_meanwhile_leaves_the_slot_to_the_next() -> None:
    store = Racing()
    bench = LaneBench(store=store)
    bench.add("mover", "next")
    store.between = lambda: bench.flow.fire("job", "mover", "move", {"repository": "b"})
    assert bench.start().started == 1
    assert bench.standing("a") == ({1: "next"}, [])
    assert bench.standing("b") == ({}, ["mover"])
    # The stream brings that it came there.
    assert bench.start("b") == Started(1, False)


def test_one_who_moves_to_another_queue_at_the_last_moment_takes_no_slot_there() -> None:
    bench = LaneBench(laned(limit_function="by_key"), handlers=[by_key])
    bench.add("narrow1", repository="narrow")
    bench.start("narrow")
    bench.add("wide1", "mover", "wide2", repository="wide")
    bench.flow.fire("job", "wide1", "start")
    bench.store.meanwhile = lambda: bench.flow.fire("job", "mover", "move", {"repository": "narrow"})
    assert bench.start("wide").started == 1
    assert bench.standing("narrow") == ({1: "narrow1"}, ["mover"])
    assert bench.standing("wide") == ({1: "wide1", 2: "wide2"}, [])


def test_one_whose_data_was_changed_by_hand_takes_no_slot_of_the_queue_that_it_names_now_beyond_its_limit() -> None:
    bench = LaneBench(laned(limit_function="by_key"), handlers=[by_key])
    bench.add("narrow1", repository="narrow")
    bench.start("narrow")
    bench.add("wide1", "changed", repository="wide")
    bench.flow.fire("job", "wide1", "start")
    bench.write_by_hand("changed", data={"repository": "narrow"})
    bench.add("wide2", repository="wide")
    assert bench.start("wide") == Started(1, True)
    assert bench.standing("narrow") == ({1: "narrow1"}, [])
    assert bench.standing("wide") == ({1: "wide1", 2: "wide2"}, ["changed"])
    bench.flow.fire("job", "wide2", "finish")
    assert bench.start("wide") == Started(0, True)
    bench.flow.fire("job", "narrow1", "finish")
    assert bench.start("wide").started == 0
    assert bench.standing("narrow") == ({1: "changed"}, [])


def test_one_who_changes_at_the_last_moment_and_is_still_the_best_is_started_all_the_same() -> None:
    bench = LaneBench()
    bench.add("a", "b")
    bench.store.meanwhile = lambda: bench.flow.fire("job", "a", "note", {"note": "x"})
    assert bench.start() == Started(1, True)
    assert bench.standing() == ({1: "a"}, ["b"])


def test_one_who_loses_the_first_place_at_the_last_moment_waits_on() -> None:
    bench = LaneBench()
    bench.add("a", "b")
    bench.store.meanwhile = lambda: bench.flow.fire("job", "a", "rate", {"priority": -1})
    assert bench.start() == Started(1, True)
    assert bench.standing() == ({1: "b"}, ["a"])


def test_a_slot_that_somebody_else_took_meanwhile_is_looked_for_again() -> None:
    store = Racing()
    bench = LaneBench(laned(limit=2), store=store)
    bench.add("a", "b", "c")
    store.between = lambda: bench.flow.fire("job", "c", "start")
    assert bench.start() == Started(1, True)
    assert bench.standing() == ({1: "c", 2: "a"}, ["b"])
    assert len(bench.clock.slept) == 1


def test_others_who_are_faster_every_time_end_the_look_after_a_while() -> None:
    class Faster(FaultyStore):
        def commit(self, write: Write) -> Contested | None:
            return (
                Contested(None, None, None, slot_taken=True) if write.after.state == "active" else super().commit(write)
            )

    bench = LaneBench(store=Faster())
    bench.add("a")
    with pytest.raises(ContentionError, match=r"^lane build of job for 'a': others were faster 32 times$"):
        bench.start()
    assert len(bench.clock.slept) == 32
    assert max(bench.clock.slept) <= 0.32


def test_what_is_not_known_to_be_done_is_told() -> None:
    bench = LaneBench()
    bench.add("a")
    bench.store.faults = ["throttle"] * 8
    with pytest.raises(ThrottledError):
        bench.start()
    bench.store.faults = ["denied"]
    with pytest.raises(StoreAccessError):
        bench.start()
    assert bench.start() == Started(1, False)


def test_an_entity_that_a_newer_definition_has_moved_is_passed_over() -> None:
    bench = LaneBench()
    bench.add("a", "b")
    bench.write_by_hand("a", definition=2)
    assert bench.start() == Started(1, True)
    assert bench.standing() == ({1: "b"}, ["a"])


def test_an_entity_whose_data_gives_no_key_any_more_keeps_its_place_and_starts_once_it_does() -> None:
    bench = LaneBench()
    bench.add("a", "b")
    bench.write_by_hand("a", data={"repository": True})
    assert bench.start() == Started(1, True)
    assert bench.standing() == ({1: "b"}, ["a"])
    bench.flow.fire("job", "b", "finish")
    bench.write_by_hand("a", data={"repository": "a"})
    assert bench.start() == Started(1, False)


def test_a_limit_of_nothing_starts_nobody_and_somebody_waits() -> None:
    @limit
    def closed(key: str) -> int:
        return 0

    bench = LaneBench(laned(limit_function="closed"), handlers=[closed])
    bench.add("a")
    assert bench.start() == Started(0, True)
    assert bench.watched() is not None
    text = r"^job a: 'start' needs a slot of the lane build of job for 'a', and its limit is 0; ask again later$"
    with pytest.raises(LaneFullError, match=text):
        bench.flow.fire("job", "a", "start")


def test_a_limit_that_fails_starts_nobody() -> None:
    @limit
    def failing(key: str) -> int:
        raise KeyError(key)

    bench = LaneBench(laned(limit_function="failing", by="data.note"), handlers=[failing])
    bench.add("a", note="canary")
    with pytest.raises(LimitError) as caught:
        bench.start("canary")
    assert "canary" not in str(caught.value)
    assert bench.get("a").state == "pending"


def test_a_circle_that_leads_through_a_lane_is_one_all_the_same() -> None:
    bench = LaneBench()
    bench.add("a")
    bench.write_by_hand("a", depth=7)
    bench.start()
    assert bench.get("a").depth == 7


@pytest.mark.parametrize("most", [1, 3, THREADS])
def test_8_who_look_at_once_start_each_once_and_never_more_than_may(most: int) -> None:
    store = Counting(most)
    bench = LaneBench(laned(limit=most), store=store)
    ids = [f"{number:02d}" for number in range(40)]
    for entity_id in random.Random(1).sample(ids, len(ids)):
        bench.add(entity_id, priority=-int(entity_id))
    together = threading.Barrier(THREADS, timeout=30)

    def work(number: int) -> None:
        together.wait()
        while any(state != "done" for state in bench.states(*ids)):
            try:
                bench.start()
            except ContentionError:
                continue
            running, _ = bench.standing()
            for entity_id in list(running.values())[number % most : number % most + 1]:
                store.finish(bench, entity_id)

    with ThreadPoolExecutor(THREADS) as pool:
        for done in [pool.submit(work, number) for number in range(THREADS)]:
            done.result(timeout=60)
    assert store.most_at_once == most
    assert bench.standing() == ({}, [])
    assert all(len(bench.flow.history("job", entity_id)) == 3 for entity_id in ids)
    # Nobody is started before one who is more urgent, but for those that others are starting at the same moment.
    assert all(abs(place - int(entity_id)) < most for place, entity_id in enumerate(store.started))


class Counting(FaultyStore):
    """Counts how many run after each write, under the lock of the store."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self.most, self.most_at_once = most, 0
        self.started: list[str] = []

    def commit(self, write: Write) -> Contested | None:
        with self._lock:
            contested = super().commit(write)
            if contested is None and write.event.trigger == "start":
                self.started.append(write.event.entity_id)
            running = sum(entity.state == "active" for entity in self._entities.values())
            rows = len(super().lane(lane_of(), waiting=0).running)
            assert running == rows <= self.most
            self.most_at_once = max(self.most_at_once, running)
            return contested

    def finish(self, bench: LaneBench, entity_id: str) -> None:
        with suppress(TransitionError):
            bench.flow.fire("job", entity_id, "finish")


def test_two_lanes_of_one_kind_do_not_meddle() -> None:
    states = dict(JOB.states)
    shipping = Lane("ship", "failed", "done", "ship")
    definition = replace(
        JOB,
        states=states | {"done": replace(states["done"], final=False)},
        transitions=(*JOB.transitions, Transition("ship", "failed", "done")),
        lanes={**JOB.lanes, "ship": shipping},
    )
    bench = LaneBench(definition)
    bench.add("a", "b")
    bench.start()
    bench.flow.fire("job", "a", "fail")
    place = bench.get("a").place
    assert place is not None
    assert (place.lane, place.key, place.is_waiting) == ("ship", "", True)
    assert bench.start() == Started(1, False)
    assert bench.standing() == ({1: "b"}, [])
    assert bench.store.lane(LaneKey("job", "ship", ""), waiting=5).waiting[0].entity_id == "a"


def test_a_wait_of_the_ageing_is_worth_a_point() -> None:
    bench = LaneBench(laned(ageing_seconds=600))
    bench.add("old", priority=1)
    bench.clock.advance(599 - 1)
    bench.add("new", priority=2)
    bench.clock.advance(timedelta(minutes=10).total_seconds())
    bench.add("newer", priority=2)
    assert bench.standing() == ({}, ["new", "old", "newer"])
