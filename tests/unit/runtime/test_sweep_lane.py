"""A lane in which somebody waits is looked at every minute, and forgotten once nobody does (promise 9)."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from tests.fakes.lanes import LaneBench, lane_of
from tests.fakes.stores import FaultyStore
from tests.samples import JOB, laned
from workflow import limit
from workflow.engine.place import LaneKey
from workflow.errors import ThrottledError
from workflow.runtime.lane_ports import LaneState, WatchedLane
from workflow.runtime.sweep import Sweeper
from workflow.runtime.sweep_lane import sweep_lane

MINUTE = timedelta(minutes=1)


def _settled(*ids: str, store: FaultyStore | None = None) -> LaneBench:
    bench = LaneBench(store=store or FaultyStore())
    bench.add(*ids)
    bench.start()
    return bench


def test_a_lane_is_due_a_minute_after_somebody_had_to_wait() -> None:
    bench = _settled("a", "b")
    bench.deploy(laned(limit=2))
    assert bench.sweep(after=59.9).started == 0
    assert bench.sweep(after=0.1).started == 1
    assert bench.watched() is None


def test_while_somebody_waits_it_is_looked_at_again_every_minute() -> None:
    bench = _settled("a", "b")
    for _ in range(3):
        assert bench.sweep(after=60).started == 0
        assert bench.watched() == bench.clock.now() + MINUTE


def test_when_nobody_waits_any_more_it_is_forgotten() -> None:
    bench = _settled("a", "b")
    bench.flow.fire("job", "b", "cancel")
    bench.sweep(after=60)
    assert bench.watched() is None
    assert list(bench.store.watched_lanes(bench.clock.now() + timedelta(days=1))) == []


def test_what_the_stream_lost_is_found() -> None:
    bench = _settled("a", "b", "c")
    bench.flow.fire("job", "a", "finish")
    assert bench.sweep(after=60).started == 1
    bench.delete_by_hand("b")
    assert bench.sweep(after=60).started == 1
    assert bench.standing() == ({1: "c"}, [])


def test_whoever_refused_is_asked_again() -> None:
    bench = _settled("a", "b")
    bench.flow.fire("job", "a", "finish")
    bench.write_by_hand("b", definition=9)
    assert bench.sweep(after=60).started == 0
    bench.write_by_hand("b", definition=1)
    assert bench.sweep(after=60).started == 1


def test_a_sweep_that_fails_leaves_the_lane_due() -> None:
    failing = [True]

    @limit
    def build_limit(key: str) -> int:
        return 1 // 0 if failing else 1

    bench = LaneBench(laned(limit_function="build_limit"), handlers=[build_limit])
    bench.add("a")
    bench.deliver()
    assert bench.sweep(after=60).started == 0
    failing.clear()
    assert bench.sweep(after=60).started == 1
    bench.sweep(after=60)
    assert bench.watched() is None


def test_a_lane_that_cannot_be_read_keeps_no_other_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = _settled("a1", "a2")
    bench.add("b1", "b2", repository="b")
    bench.start("b")
    bench.deploy(laned(limit=2))
    read = bench.store.lane

    def failing(lane: LaneKey, *, waiting: int) -> LaneState:
        if lane.key == "a":
            raise ThrottledError("slow down")
        return read(lane, waiting=waiting)

    with monkeypatch.context() as outage:
        outage.setattr(bench.store, "lane", failing)
        assert bench.sweep(after=60).started == 1
    assert bench.sweep(after=60).started == 1
    assert bench.states("a2", "b2") == ["active", "active"]


def test_of_two_sweepers_one_looks() -> None:
    bench = _settled("a", "b")
    bench.clock.advance(60)
    (watched,) = bench.store.watched_lanes(bench.clock.now())
    bench.deploy(laned(limit=2))
    together = threading.Barrier(2, timeout=10)

    def sweep(_: int) -> int:
        together.wait()
        return sweep_lane(bench.flow.runtime, watched)

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(sweep, range(2))) == [0, 1]


def test_what_another_sweeper_has_taken_up_is_left_to_it() -> None:
    bench = _settled("a", "b")
    bench.deploy(laned(limit=2))
    stale = WatchedLane(lane_of(), bench.clock.now())
    assert sweep_lane(bench.flow.runtime, stale) == 0
    assert bench.standing() == ({1: "a"}, ["b"])


def test_who_comes_while_the_lane_is_being_forgotten_is_watched_all_the_same() -> None:
    class Late(FaultyStore):
        """Somebody comes to wait after the look, and sees that the lane is watched."""

        late: Callable[[], None] | None = None

        def watch_lane(self, lane: LaneKey, found: datetime | None, at: datetime | None) -> bool:
            if at is None and self.late:
                late, self.late = self.late, None
                late()
            return super().watch_lane(lane, found, at)

    store = Late()
    bench = _settled("a", "b", store=store)
    bench.flow.fire("job", "b", "cancel")

    def come() -> None:
        bench.add("c")
        assert bench.start().started == 0

    store.late = come
    bench.sweep(after=60)
    assert bench.standing() == ({1: "a"}, ["c"])
    assert bench.watched() is not None


def test_a_lane_that_is_not_declared_here_stays_watched_while_somebody_waits_in_it() -> None:
    bench = _settled("a", "b")
    bench.deploy(replace(JOB, lanes={}))
    assert bench.sweep(after=60).started == 0
    assert bench.watched() is not None
    bench.deploy(laned(limit=2))
    assert bench.sweep(after=61).started == 1


def test_the_time_of_a_sweep_is_kept() -> None:
    bench = _settled("a", "b")
    bench.deploy(laned(limit=2))
    bench.clock.advance(60)
    sweeper = Sweeper(bench.flow.runtime, workers=1)
    assert sweeper.sweep(until=bench.clock.now()).started == 0
    assert sweeper.sweep(until=bench.clock.now() + MINUTE).started == 1
