"""Explain tells of lanes who is before an entity, and where lane and entity do not agree."""

from __future__ import annotations

import pytest

from tests.unit.runtime.lanes import LANE, Builds, limited
from workflow import limit
from workflow.engine.place import Place
from workflow.runtime.reason import Reason

RECONCILE = "workflow reconcile"


def _reasons(builds: Builds, id: str) -> list[Reason]:
    return list(builds.operations.explain("job", id).reasons)


def test_who_waits_is_told_who_has_the_slot_and_how_many_are_ahead() -> None:
    builds = Builds()
    builds.queued("17", "18", "19", "20")
    assert _reasons(builds, "20") == [
        Reason("waits in lane build for 'acme/api' since 1m: slot held by job 17 since 4m, 2 ahead")
    ]


def test_of_several_slots_it_tells_how_many_are_taken_and_by_whom() -> None:
    builds = Builds(limited(limit=2, by=""))
    builds.queued("17", "18", "19")
    assert _reasons(builds, "19")[0].what == (
        "waits in lane build since 1m: 2 of 2 slots taken: job 17 since 3m, job 18 since 2m, 0 ahead"
    )


def test_of_many_slots_the_first_five_are_named() -> None:
    builds = Builds(limited(limit=6))
    builds.queued(*"abcdefg", after=1)
    assert _reasons(builds, "g")[0].what == (
        "waits in lane build for 'acme/api' since 1s: 6 of 6 slots taken: job a since 7s, job b since 6s, "
        "job c since 5s, job d since 4s, job e since 3s ..., 0 ahead"
    )


def test_who_has_a_slot_waits_for_what_anybody_waits_for() -> None:
    builds = Builds(limited(limit=2))
    builds.queued("17")
    assert _reasons(builds, "17") == [
        Reason("nothing holds it up: it waits for a trigger"),
        Reason("has slot 1 of 2 in lane build for 'acme/api' since 1m"),
    ]


def test_who_is_passed_over_is_told_what_the_guard_says() -> None:
    builds = Builds()
    builds.queued("17", ready=False)
    builds.queued("18")
    assert builds.states() == {"pending": ["17"], "active": ["18"]}
    builds.flow.fire("job", "18", "pass")
    assert _reasons(builds, "17") == [
        Reason(
            "waits in lane build for 'acme/api' since 2m: 1 of 1 slots free, 0 ahead, and 'start' is refused: job 17: "
            "'start' from 'pending' (version 1) needs: data.ready",
            "it is asked again every minute",
        )
    ]


def test_whose_turn_has_come_is_told_that_the_stream_is_yet_to_bring_it() -> None:
    builds = Builds()
    builds.flow.create("job", "17", {"repository": "acme/api"})
    assert _reasons(builds, "17") == [
        Reason(
            "waits in lane build for 'acme/api' since 0s: 1 of 1 slots free, 0 ahead, and 'start' would be accepted: "
            "the stream or the sweeper has yet to come to it",
            "if this lasts longer than two minutes: workflow reconcile",
        )
    ]
    assert builds.states() == {"pending": ["17"]}


@limit
def broken(key: str) -> int:
    raise ValueError("the secret plan")


@limit
def none_at_all(key: str) -> int:
    return 0


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("nowhere", "0 ahead; how many may run is not known: no handler module registers the limit 'nowhere'"),
        ("broken", "0 ahead; how many may run is not known: the limit 'broken' failed: ValueError"),
        ("none_at_all", "its limit is 0, 0 ahead"),
    ],
)
def test_a_limit_that_a_function_says_or_cannot_say(name: str, told: str) -> None:
    builds = Builds(limited(limit_function=name), handlers=[broken, none_at_all])
    builds.queued("17")
    what = _reasons(builds, "17")[0].what
    assert told in what
    assert "secret plan" not in what


@pytest.mark.parametrize(
    ("id", "state", "place", "told"),
    [
        ("18", "pending", None, "its state 'pending' belongs to lane build, and it has no place there"),
        ("17", "held", ..., "it has slot 1 in lane build, and its state 'held' belongs to no lane"),
        ("17", "pending", ..., "it has slot 1 in lane build, and its state is 'pending'"),
        ("18", "active", ..., "it has a place among those that wait in lane build, and its state is 'active'"),
        ("17", "active", 7, "it has slot 7 in lane build for 'acme/api', which does not know of it"),
        ("17", "active", "test", "it has slot 1 in lane test, and its state 'active' belongs to lane build"),
    ],
)
def test_a_place_that_does_not_fit_comes_first_with_the_way_out(id: str, state: str, place: object, told: str) -> None:
    builds = Builds()
    builds.queued("17", "18")
    had = builds.place(id)
    assert had is not None
    given: Place | None = had if place is ... else None
    if isinstance(place, int):
        given = had._replace(slot=place)
    if isinstance(place, str):
        given = had._replace(lane=place)
    builds.rewrite(id, state=state, place=given)
    assert _reasons(builds, id)[0] == Reason(told, RECONCILE)


def test_what_a_newer_definition_has_placed_is_not_judged_by_an_older_one() -> None:
    builds = Builds()
    builds.queued("17", "18")
    builds.rewrite("18", definition=2, place=None)
    assert [reason.what for reason in _reasons(builds, "18")] == ["nothing holds it up: it waits for a trigger"]


def test_an_explanation_shows_the_lane_itself() -> None:
    builds = Builds()
    builds.queued("17", "18")
    lane = builds.operations.explain("job", "18").lane
    assert lane is not None
    assert (lane.lane, lane.limit, [row.entity_id for row in lane.running]) == (LANE, 1, ["17"])
