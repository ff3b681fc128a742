"""Reconcile makes lanes and entities agree again, and has the sweeper start whoever is next."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.unit.runtime.lanes import JOB, LANE, Builds
from workflow.engine.place import LaneKey, Place
from workflow.errors import ContentionError
from workflow.runtime import reconcile as module
from workflow.runtime.lane_ports import InLane
from workflow.runtime.mend_lane import mend_place
from workflow.runtime.reconcile import Reconciler
from workflow.runtime.reconciled import Reconciled
from workflow.runtime.records import WalkProgress
from workflow.runtime.start_waiting import ENDING, WATCH


def _found(builds: Builds) -> tuple[list[str], dict[LaneKey, int], list[str]]:
    found = builds.operations.reconcile()
    return found.moved, dict(found.freed), found.broken


def _rows(builds: Builds, lane: LaneKey = LANE) -> dict[str, int]:
    found = builds.store.lane(lane, waiting=100)
    return {row.entity_id: row.place.slot for row in (*found.running, *found.waiting)}


def _placed(builds: Builds, id: str) -> Place:
    place = builds.place(id)
    assert place is not None
    return place


def test_lanes_and_entities_that_agree_are_left_alone() -> None:
    builds = Builds()
    builds.queued("17", "18", "19")
    before = [builds.place(id) for id in ("17", "18", "19")], _rows(builds)
    assert builds.operations.reconcile() == Reconciled(builds.clock.now(), looked_at=3)
    assert ([builds.place(id) for id in ("17", "18", "19")], _rows(builds)) == before


def test_a_slot_whose_entity_was_moved_by_hand_is_freed_and_the_next_one_starts() -> None:
    builds = Builds()
    builds.queued("17", "18")
    builds.rewrite("17", state="held")
    assert _found(builds) == (["job 17: no place"], {}, [])
    assert builds.states() == {"pending": ["18"], "held": ["17"]}
    builds.sweep()
    assert builds.states() == {"active": ["18"], "held": ["17"]}
    assert (_rows(builds), builds.place("17")) == ({"18": 1}, None)
    assert _found(builds) == ([], {}, [])


def test_a_place_that_somebody_else_frees_meanwhile_is_not_told_as_freed(monkeypatch: pytest.MonkeyPatch) -> None:
    builds = Builds()
    builds.queued("17", "18")
    builds.rewrite("17", state="held")
    seen_before = builds.store.lane(LANE, waiting=100)
    assert mend_place(builds.flow.runtime, "job", "17")
    monkeypatch.setattr(builds.store, "lane", lambda lane, waiting: seen_before)
    assert _found(builds) == ([], {}, [])


def test_who_runs_by_hand_is_counted_above_the_limit_if_need_be() -> None:
    builds = Builds()
    builds.queued("17", "18")
    builds.rewrite("18", state="active")
    assert _found(builds) == (["job 18: slot 2"], {}, [])
    assert _rows(builds) == {"17": 1, "18": 2}


def test_who_waits_by_hand_or_since_before_there_was_a_lane_gets_a_place_and_is_started() -> None:
    builds = Builds()
    builds.deploy(replace(JOB, lanes={}))
    builds.queued("17", "18")
    assert builds.place("17") is None
    builds.deploy(JOB)
    moved, freed, broken = _found(builds)
    assert (sorted(moved), freed, broken) == (
        ["job 17: a place among those that wait", "job 18: a place among those that wait"],
        {},
        [],
    )
    builds.sweep()
    assert builds.states() == {"pending": ["18"], "active": ["17"]}


def test_a_row_that_was_lost_is_there_again() -> None:
    builds = Builds()
    builds.queued("17", "18")
    for id in ("17", "18"):
        builds.store.remove_from_lane(LANE, InLane(id, _placed(builds, id)))
    moved, freed, broken = _found(builds)
    assert (sorted(moved), freed, broken) == (
        ["job 17: slot 1", "job 18: a place among those that wait"],
        {},
        [],
    )
    assert _rows(builds) == {"17": 1, "18": 0}


@pytest.mark.parametrize("others", [(), ("18",)])
def test_a_place_of_an_entity_that_is_gone_is_freed_even_where_nobody_else_is(others: tuple[str, ...]) -> None:
    builds = Builds()
    builds.queued("17", *others)
    builds.store.delete("job", "17")
    assert _found(builds) == ([], {LANE: 1}, [])
    builds.sweep()
    assert _rows(builds) == dict.fromkeys(others, 1)


def test_with_a_since_the_lanes_of_those_that_are_there_are_mended_and_the_table_is_not_read_whole() -> None:
    builds = Builds()
    builds.queued("17", "18")
    builds.flow.create("job", "other", {"repository": "acme/web"})
    builds.delivery.run()
    builds.store.delete("job", "17")
    builds.store.delete("job", "other")
    found = builds.operations.reconcile(builds.clock.now() - timedelta(seconds=1))
    assert dict(found.freed) == {LANE: 1}
    assert _rows(builds, LANE._replace(key="acme/web")) == {"other": 1}


def test_data_that_give_no_place_are_told() -> None:
    builds = Builds()
    builds.queued("17", "18")
    builds.rewrite("18", data={}, place=None)
    told = "job 18: the lane 'build' needs a key, text or a whole number, from 'data.repository'"
    assert _found(builds) == ([], {LANE: 1}, [told])


def test_what_cannot_be_mended_is_told_once() -> None:
    builds = Builds()
    builds.queued("17", "18")
    builds.rewrite("18", state="active", data={})
    builds.rewrite("17", state="held")
    assert _found(builds) == (
        ["job 17: no place"],
        {LANE: 1},
        ["job 18: the lane 'build' needs a key, text or a whole number, from 'data.repository'"],
    )


def test_who_waits_is_watched_even_if_a_sweeper_is_about_to_let_go_of_the_lane() -> None:
    builds = Builds()
    builds.queued("17", "18")
    watched = builds.store.lane(LANE, waiting=0).watched
    assert watched is not None
    assert builds.store.watch_lane(LANE, watched, builds.clock.now() + WATCH + ENDING)
    builds.operations.reconcile()
    assert builds.store.lane(LANE, waiting=0).watched == builds.clock.now() + WATCH


def test_what_a_newer_definition_has_placed_is_left_to_that() -> None:
    builds = Builds()
    builds.queued("17")
    builds.flow.create("job", "18", {"repository": "acme/web"})
    builds.rewrite("17", definition=2, state="held")
    builds.store.remove_from_lane(LANE._replace(key="acme/web"), InLane("18", _placed(builds, "18")))
    builds.rewrite("18", definition=2, place=None)
    assert _found(builds) == ([], {}, [])
    assert _rows(builds) == {"17": 1}


def test_the_index_may_lag_behind_without_harm(monkeypatch: pytest.MonkeyPatch) -> None:
    builds = Builds()
    builds.queued("17", "18")
    records, walk = builds.store.records, builds.store.records.walk

    def old(share: int, shares: int, after: str = "") -> object:
        return (seen._replace(state="held", place=None) for seen in list(walk(share, shares, after)))

    monkeypatch.setattr(records, "walk", old)
    assert _found(builds) == ([], {}, [])
    monkeypatch.setattr(records, "walk", lambda *a: (seen._replace(state="active") for seen in list(walk(*a))))
    assert _found(builds) == ([], {}, [])


def test_a_transaction_that_is_under_way_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    builds = Builds()
    builds.queued("17")
    builds.rewrite("17", state="held")
    move, attempts = builds.store.move_in_lane, []

    def busy(*given: object) -> bool:
        attempts.append(1)
        if len(attempts) < 3:
            raise ContentionError("another transaction was under way")
        return move(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(builds.store, "move_in_lane", busy)
    assert _found(builds)[0] == ["job 17: no place"]


def test_a_walk_that_goes_on_mends_the_lanes_that_were_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_KEEP_EVERY", 1)
    builds = Builds()
    ids = [str(number) for number in range(30)]
    for id in ids:
        builds.queued(id, repository=id)
        builds.rewrite(id, state="held")

    def stop(progress: WalkProgress) -> None:
        if progress.looked_at == 11:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Reconciler(builds.flow.runtime, builds.store.records, on_progress=stop).reconcile(workers=1)
    first = sum(builds.place(id) is None for id in ids)
    assert 0 < first < 30
    assert len(builds.operations.reconcile().moved) == 30 - first
    assert [id for id in ids if builds.place(id) or _rows(builds, LANE._replace(key=id))] == []
