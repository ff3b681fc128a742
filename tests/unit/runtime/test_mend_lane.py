"""Lanes and entities agree again after somebody wrote to one of them by hand, and nobody is lost."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.fakes.lanes import LaneBench, lane_of
from tests.fakes.stores import FaultyStore
from tests.samples import JOB, laned
from tests.writes import BEGINNING
from workflow.engine.entity import Entity
from workflow.engine.place import LaneKey, Place
from workflow.errors import ContentionError, HistoryConflictError
from workflow.runtime.lane_ports import InLane
from workflow.runtime.mend_lane import free_stale, mend_lane, mend_place


def _mend_place(bench: LaneBench, entity_id: str) -> bool:
    return mend_place(bench.flow.runtime, "job", entity_id)


def _mend_lane(bench: LaneBench, key: str = "a") -> int:
    return mend_lane(bench.flow.runtime, lane_of(key))


def _settled(*ids: str, most: int = 1) -> LaneBench:
    """The first so many run, the others wait."""
    bench = LaneBench(laned(limit=most))
    bench.add(*ids)
    bench.start()
    return bench


def _without_row(bench: LaneBench, entity_id: str) -> None:
    place = bench.get(entity_id).place
    assert place is not None
    bench.store.remove_from_lane(place.at("job"), InLane(entity_id, place))


def test_what_agrees_is_left_as_it_is() -> None:
    bench = _settled("a", "b", "c")
    before = [bench.get(entity_id) for entity_id in "abc"]
    assert _mend_lane(bench) == 0
    assert [_mend_place(bench, entity_id) for entity_id in "abc"] == [False, False, False]
    assert [bench.get(entity_id) for entity_id in "abc"] == before
    assert bench.standing() == ({1: "a"}, ["b", "c"])


@pytest.mark.parametrize("gone", ["a", "b"])
def test_the_place_of_one_that_is_gone_is_freed(gone: str) -> None:
    bench = _settled("a", "b")
    bench.delete_by_hand(gone)
    assert _mend_lane(bench) == 1
    assert bench.standing() == (({}, ["b"]) if gone == "a" else ({1: "a"}, []))


def test_the_place_of_one_whose_item_is_none_any_more_is_freed(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = _settled("a", "b")

    def damaged(kind: str, entity_id: str) -> Entity | None:
        raise HistoryConflictError("it lacks 'version'")

    monkeypatch.setattr(bench.store, "find_entity", damaged)
    assert _mend_lane(bench) == 2
    assert not _mend_place(bench, "a")


def test_one_whose_place_was_taken_away_by_hand_is_not_lost() -> None:
    bench = _settled("a", "b", "c")
    bench.write_by_hand("b", place=None)
    bench.write_by_hand("a", place=None)
    assert _mend_lane(bench) == 2
    running, waiting = bench.standing()
    assert (running, sorted(waiting)) == ({1: "a"}, ["b", "c"])


@pytest.mark.parametrize(
    ("entity_id", "state", "expected"),
    [("a", "done", ({}, ["b"])), ("a", "pending", ({}, ["b", "a"])), ("b", "active", ({1: "a", 2: "b"}, []))],
)
def test_one_whose_state_was_changed_by_hand_is_found_by_its_row(
    entity_id: str, state: str, expected: tuple[dict[int, str], list[str]]
) -> None:
    bench = _settled("a", "b")
    bench.write_by_hand(entity_id, state=state)
    bench.write_by_hand(entity_id, changed_at=bench.clock.now())
    assert _mend_lane(bench) == 1
    assert bench.standing() == expected
    assert _mend_lane(bench) == 0


def test_one_that_says_it_stands_elsewhere_is_freed_here_and_put_where_it_belongs() -> None:
    bench = _settled("a", "b")
    bench.write_by_hand("b", place=Place("build", "other", BEGINNING, rank="1"))
    assert _mend_lane(bench) == 1
    assert bench.standing() == ({1: "a"}, ["b"])
    assert bench.standing("other") == ({}, [])


def test_many_that_wait_are_looked_at_as_they_come_to_the_front() -> None:
    bench = _settled(*(f"{number:03d}" for number in range(200)))
    reads = bench.store.reads
    assert _mend_lane(bench) == 0
    # Each one is a read: not of all, every minute.
    assert bench.store.reads - reads <= 60
    for number in range(1, 199):
        bench.store.delete("job", f"{number:03d}")
    bench.flow.fire("job", "000", "finish")
    assert bench.start().started == 1
    assert bench.states("199") == ["active"]
    for _ in range(4):
        _mend_lane(bench)
    assert bench.standing() == ({1: "199"}, [])


@pytest.mark.parametrize("entity_id", ["a", "b"])
def test_a_row_that_is_missing_is_put_back(entity_id: str) -> None:
    bench = _settled("a", "b")
    before = bench.get(entity_id)
    _without_row(bench, entity_id)
    assert _mend_place(bench, entity_id)
    assert bench.get(entity_id) == before
    assert bench.standing() == ({1: "a"}, ["b"])


def test_one_that_runs_and_whose_slot_has_passed_to_another_gets_one_of_its_own() -> None:
    bench = _settled("a", "b", "c")
    _without_row(bench, "a")
    bench.start()
    assert bench.standing() == ({1: "b"}, ["c"])
    assert _mend_place(bench, "a")
    assert bench.standing() == ({1: "b", 2: "a"}, ["c"])
    bench.flow.fire("job", "b", "finish")
    assert bench.start().started == 0


@pytest.mark.parametrize(("state", "expected"), [("done", ({}, [])), ("active", ({1: "b"}, [])), ("failed", ({}, []))])
def test_one_that_waits_by_its_place_and_not_by_its_state_stands_where_its_state_says(
    state: str, expected: tuple[dict[int, str], list[str]]
) -> None:
    bench = LaneBench()
    bench.add("b")
    bench.write_by_hand("b", state=state)
    assert _mend_place(bench, "b")
    assert bench.standing() == expected
    assert not _mend_place(bench, "b")


def test_one_whose_data_gives_no_key_is_left_as_it_is_until_it_does(caplog: pytest.LogCaptureFixture) -> None:
    bench = LaneBench()
    bench.add("b")
    bench.write_by_hand("b", place=None, data={"repository": ["canary"]})
    assert not _mend_place(bench, "b")
    assert "job b has no place in a lane: " in caplog.text
    assert "canary" not in caplog.text
    bench.write_by_hand("b", data={"repository": "a"})
    assert _mend_place(bench, "b")
    assert bench.standing() == ({}, ["b"])


@pytest.mark.parametrize("state", ["pending", "active", "failed"])
def test_an_entity_from_before_its_lane_was_declared_gets_its_place(state: str) -> None:
    bench = LaneBench(replace(JOB, lanes={}))
    bench.add("old")
    for trigger in {"pending": (), "active": ("start",), "failed": ("start", "fail")}[state]:
        bench.flow.fire("job", "old", trigger)
    bench.deploy(replace(JOB, version=2))
    bench.add("new")
    bench.start()
    assert _mend_place(bench, "old") == (state != "failed")
    expected: dict[str, tuple[dict[int, str], list[str]]] = {
        "pending": ({1: "new"}, ["old"]),
        "active": ({1: "new", 2: "old"}, []),
        "failed": ({1: "new"}, []),
    }
    assert bench.standing() == expected[state]
    assert (_mend_lane(bench), _mend_place(bench, "old")) == (0, False)
    bench.flow.fire("job", "new", "finish")
    bench.start()
    assert bench.standing()[0] == {"pending": {1: "old"}, "active": {2: "old"}, "failed": {}}[state]


RENAMED = replace(
    JOB,
    version=2,
    states={**JOB.states, "busy": JOB.states["active"]},
    transitions=tuple(
        replace(t, target="busy" if t.target == "active" else t.target) for t in JOB.transitions if t.trigger != "note"
    ),
    lanes={"build": replace(JOB.lanes["build"], running="busy")},
)
"""The next version, in which jobs run in another state."""


def test_a_slot_taken_by_an_older_version_is_held_though_its_state_is_none_of_the_lane_any_more() -> None:
    bench = _settled("a", "b")
    bench.deploy(JOB, RENAMED)
    assert (_mend_lane(bench), _mend_place(bench, "a")) == (0, False)
    assert bench.start().started == 0
    bench.flow.fire("job", "a", "finish")
    assert bench.start().started == 1
    assert bench.states("b") == ["busy"]


def test_whoever_stands_in_a_lane_that_has_another_name_by_now_goes_over_to_it() -> None:
    bench = _settled("a", "b")
    renamed = {"compile": replace(JOB.lanes["build"], name="compile")}
    bench.deploy(JOB, replace(JOB, version=2, lanes=renamed))
    assert _mend_lane(bench) == 2
    there = LaneKey("job", "compile", "a")
    found = bench.store.lane(there, waiting=10)
    assert ([row.entity_id for row in found.running], [row.entity_id for row in found.waiting]) == (["a"], ["b"])
    assert found.watched is not None
    assert bench.standing() == ({}, [])
    assert _mend_lane(bench) == 0


def test_a_slot_taken_by_a_newer_version_than_those_here_is_left_alone() -> None:
    bench = LaneBench(RENAMED)
    bench.add("a", "b")
    bench.start()
    bench.deploy(JOB)
    assert (_mend_lane(bench), _mend_place(bench, "a")) == (0, False)
    assert bench.standing() == ({1: "a"}, ["b"])
    bench.write_by_hand("b", place=None)
    assert not _mend_place(bench, "b")
    assert bench.get("b").place is None


def test_one_that_says_it_runs_since_another_moment_keeps_its_slot() -> None:
    bench = _settled("a", "b")
    place = bench.get("a").place
    assert place is not None
    bench.write_by_hand("a", place=place._replace(since=BEGINNING))
    assert _mend_place(bench, "a")
    assert bench.standing() == ({1: "a"}, ["b"])
    assert _mend_lane(bench) == 0


def test_a_kind_without_lanes_or_without_a_definition_is_left_alone() -> None:
    bench = _settled("a", "b")
    bench.deploy(replace(JOB, lanes={}))
    assert (_mend_place(bench, "a"), _mend_lane(bench)) == (False, 0)
    assert not mend_place(bench.flow.runtime, "unknown", "a")
    assert not mend_place(bench.flow.runtime, "job", "unknown")


def test_a_place_that_somebody_else_takes_meanwhile_is_looked_for_again() -> None:
    bench = _settled("a", "b", "c", most=2)
    bench.flow.fire("job", "b", "finish")
    bench.write_by_hand("c", state="active")
    move, calls = bench.store.move_in_lane, []

    def after_another(entity: Entity, place: Place | None) -> bool:
        calls.append(place and place.slot)
        if len(calls) == 1:
            bench.add("d")
            bench.flow.fire("job", "d", "start")
        return move(entity, place)

    bench.store.move_in_lane = after_another  # type: ignore[method-assign]
    assert _mend_place(bench, "c")
    assert calls == [2, 3]
    assert bench.standing() == ({1: "a", 2: "d", 3: "c"}, [])


def test_when_others_are_faster_every_time_it_is_told() -> None:
    class Faster(FaultyStore):
        def move_in_lane(self, entity: Entity, place: Place | None) -> bool:
            return False

    bench = LaneBench(store=Faster())
    bench.add("a")
    bench.write_by_hand("a", state="active")
    with pytest.raises(ContentionError, match=r"^the place of job a in its lane: others were faster 8 times$"):
        _mend_place(bench, "a")


def test_a_row_that_changes_meanwhile_is_not_freed() -> None:
    bench = _settled("a", "b")
    place = bench.get("a").place
    assert place is not None
    stale = InLane("a", place._replace(since=BEGINNING.replace(year=2020)))
    assert not free_stale(bench.flow.runtime, LaneKey("job", "build", "a"), stale)
    assert bench.standing() == ({1: "a"}, ["b"])
