"""Verify holds lanes against their entities, and entities against their lanes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.unit.runtime.lanes import JOB, LANE, Builds, limited
from workflow import limit
from workflow.engine.place import LaneKey
from workflow.errors import HistoryConflictError
from workflow.runtime.findings import Finding
from workflow.runtime.lane_ports import InLane, LaneState
from workflow.runtime.verify import Verified, verify

RECONCILE = "workflow reconcile"
NAMED = "lane build of job for 'acme/api'"


def _verify(builds: Builds) -> Verified:
    return builds.operations.verify()


def _lose_row(builds: Builds) -> None:
    place = builds.place("18")
    assert place is not None
    builds.store.remove_from_lane(LANE, InLane("18", place))


def _delete(builds: Builds) -> None:
    builds.store.delete("job", "18")
    builds.store.delete_history("job", "18")


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (lambda b: b.rewrite("18", place=None), "its state 'pending' belongs to lane build, and it has no place there"),
        (_lose_row, f"it has a place among those that wait in {NAMED}, which does not know of it"),
        (_delete, f"a place among those that wait in {NAMED} is kept for it, and it stands elsewhere"),
    ],
)
def test_each_damage_is_found_and_reconcile_mends_it(damage: Callable[[Builds], None], told: str) -> None:
    builds = Builds()
    builds.queued("17", "18")
    builds.flow.create("job", "web", {"repository": "acme/web"})
    builds.delivery.run()
    damage(builds)
    assert Finding(9, "job", "18", told, RECONCILE) in _verify(builds).findings
    assert {finding.entity_id for finding in _verify(builds).findings} == {"18"}
    builds.operations.reconcile()
    builds.sweep()
    assert _verify(builds).findings == []


def test_a_state_that_was_changed_by_hand_is_found_by_its_place_and_by_its_history() -> None:
    builds = Builds()
    builds.queued("17")
    builds.rewrite("17", state="held")
    assert [(finding.promise, finding.what) for finding in _verify(builds).findings] == [
        (2, "it does not equal its history: state is held, its events make it active"),
        (9, "it has slot 1 in lane build, and its state 'held' belongs to no lane"),
    ]


def test_lanes_in_order_are_counted_and_have_no_finding() -> None:
    builds = Builds()
    builds.queued("17", "18")
    builds.flow.create("job", "web", {"repository": "acme/web"})
    builds.delivery.run()
    assert _verify(builds) == Verified(entities=3, events=5, lanes=2)


def test_a_place_that_was_mended_is_not_named_among_the_differences_to_the_history() -> None:
    builds = Builds()
    builds.queued("17", "18")
    builds.rewrite("18", state="active")
    builds.operations.reconcile()
    (finding,) = _verify(builds).findings
    assert finding.what == "it does not equal its history: state is active, its events make it pending"


def test_more_than_may_run_are_a_note_since_a_limit_may_be_lowered() -> None:
    builds = Builds(limited(limit=3))
    builds.queued("17", "18", "19")
    builds.deploy(limited(limit=2))
    found = _verify(builds)
    assert (found.findings, found.notes) == (
        [],
        [
            f"{NAMED}: 3 run, and its limit is 2: it was lowered, or some were moved by hand; nobody starts until "
            "fewer run"
        ],
    )


def test_who_waits_long_beside_a_free_slot_is_found_if_nobody_looks_there() -> None:
    builds = Builds()
    builds.flow.create("job", "17", {"repository": "acme/api"})
    builds.clock.advance(300)
    assert _verify(builds).findings == []
    builds.clock.advance(1)
    told = f"it waits since 2026-01-31 12:00:00Z beside a free slot in {NAMED}, and no sweeper looks there"
    assert _verify(builds).findings == [Finding(9, "job", "17", told, RECONCILE)]
    builds.operations.reconcile()
    assert _verify(builds).findings == []
    builds.clock.advance(60 + 301)
    (finding,) = _verify(builds).findings
    assert "sweeper's Lambda" in finding.way_out


def test_who_is_passed_over_is_a_note() -> None:
    builds = Builds()
    builds.queued("17", ready=False)
    for _ in range(6):
        builds.sweep()
    found = _verify(builds)
    assert (found.findings, found.notes) == (
        [],
        [f"{NAMED}: 17 waits beside a free slot, and is asked again every minute: workflow explain job 17"],
    )


@limit
def broken(key: str) -> int:
    raise ValueError("the secret plan")


def test_a_limit_that_is_not_known_is_a_note() -> None:
    builds = Builds(limited(limit_function="broken"), handlers=[broken])
    builds.queued("17")
    builds.clock.advance(600)
    found = _verify(builds)
    assert (found.findings, found.notes) == (
        [],
        [f"{NAMED}: how many may run is not known here: the limit 'broken' failed: ValueError"],
    )


@pytest.mark.parametrize("look", range(1, 8))
@pytest.mark.parametrize("before", [True, False])
def test_what_moves_beside_a_look_is_looked_at_again(monkeypatch: pytest.MonkeyPatch, look: int, before: bool) -> None:
    builds = Builds()
    builds.queued("17", "18", "19")
    read, looks = builds.store.lane, []

    def move() -> None:
        monkeypatch.setattr(builds.store, "lane", read)
        builds.flow.fire("job", "17", "pass")
        builds.delivery.run()

    def moving(lane: LaneKey, *, waiting: int) -> LaneState:
        looks.append(1)
        if len(looks) == look and before:
            move()
        found = read(lane, waiting=waiting)
        if len(looks) == look and not before:
            move()
        return found

    monkeypatch.setattr(builds.store, "lane", moving)
    assert verify(builds.flow.runtime, builds.store.records, workers=1).findings == []


def test_a_place_that_was_given_without_an_event_is_no_difference_to_the_history() -> None:
    builds = Builds(replace(JOB, lanes={}))
    builds.queued("17")
    builds.deploy(JOB)
    builds.operations.reconcile()
    assert builds.place("17") is not None
    assert _verify(builds).findings == []


def test_rows_that_somebody_damaged_are_a_finding_and_end_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    builds = Builds()
    builds.queued("17")

    def damaged(*given: object, **more: object) -> LaneState:
        raise HistoryConflictError("item lane#job#build#acme/api running#000001 was changed by hand")

    monkeypatch.setattr(builds.store, "lane", damaged)
    told = "item lane#job#build#acme/api running#000001 was changed by hand"
    assert Finding(9, "job", f"({NAMED})", told) in _verify(builds).findings
    assert told in builds.operations.reconcile().broken
    (view,) = builds.operations.lanes()
    assert (view.limit, view.unknown) == (None, told)
