"""Lanes on the stream and as they lie in the table: what a record shows of places, and what a row holds."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.fakes.lanes import LaneBench
from tests.fakes.log import of_line
from tests.fakes.records import image, record, records
from tests.samples import JOB, laned
from tests.writes import BEGINNING
from workflow.aws import items, lane_items, place_items
from workflow.aws.lambdas.stream import StreamHandler
from workflow.aws.stream import Look, look, plans
from workflow.engine.place import LaneKey, Place
from workflow.errors import HistoryConflictError
from workflow.runtime.lane_ports import InLane, WatchedLane

WAITING = Place("build", "a#b ü", BEGINNING, rank="0.1")
SLOT = Place("build", "", BEGINNING, slot=1000)
LANE = LaneKey("job", "build", "a#b ü")


@pytest.fixture
def bench() -> LaneBench:
    return LaneBench()


def _look(bench: LaneBench, *given: Any) -> Look:
    return look(list(given), plans(bench.flow.definitions))


def test_of_steps_into_and_out_of_a_lane_the_places_are_shown_though_they_owe_nothing(bench: LaneBench) -> None:
    bench.add("1")
    bench.start()
    for trigger in ("note", "fail"):
        bench.flow.fire("job", "1", trigger)
    found = _look(bench, *records(bench.store))
    kept = [event.place for event in bench.flow.history("job", "1")]
    assert [(change.left, change.place) for change in found.changes] == [
        (None, kept[0]),
        (kept[0], kept[1]),
        (kept[1], kept[1]),
        (kept[1], None),
    ]
    assert [change.owed for change in found.changes] == [(), (), (), ()]
    assert found.transitions == 4


def test_of_steps_outside_of_every_lane_nothing_is_shown(bench: LaneBench) -> None:
    bench.deploy(laned(JOB, waiting="failed", running="done", trigger="retry"))
    bench.add("1")
    bench.flow.fire("job", "1", "start")
    assert _look(bench, *records(bench.store)).changes == []


@pytest.mark.parametrize(
    "damage",
    [
        {"S": "x"},
        {"M": {}},
        {"M": {"lane": {"S": "build"}, "key": {"N": "5"}, "since": {"S": "x"}}},
        {"M": {"lane": {"S": "build"}, "key": {"S": "a"}, "since": {"S": "x"}, "slot": {"N": "1"}}},
        {"M": {"lane": {"S": "build"}, "key": {"S": "a"}, "since": {"S": "2026-01-31T12:00:00Z"}, "slot": {"N": "x"}}},
        {"N": "5"},
        {"NULL": True},
        {"L": []},
    ],
)
@pytest.mark.parametrize("where", ["old", "new"])
def test_a_place_that_was_changed_by_hand_holds_nobody_up(bench: LaneBench, where: str, damage: dict[str, Any]) -> None:
    bench.add("1", "2")
    bench.start()
    bench.flow.fire("job", "1", "finish")
    shown = records(bench.store)[-1]
    image_name = "OldImage" if where == "old" else "NewImage"
    shown["dynamodb"][image_name]["place"] = damage
    assert StreamHandler(bench.flow.runtime).handle([shown], 60_000) == {"batchItemFailures": []}
    # What the record does not tell is found by the sweeper: somebody waits.
    bench.sweep(after=61)
    assert bench.states("2") == ["active"]


@pytest.mark.parametrize("key", ["", "x" * 5000, "#", "\x00"])
def test_a_place_in_a_lane_that_cannot_be_holds_nobody_up(bench: LaneBench, key: str) -> None:
    bench.add("1", "2")
    item = image(bench.store, bench.get("1"))
    assert item is not None
    forged = {
        **item,
        "place": place_items.write_place(Place("unknown", key, BEGINNING, slot=7)),
        "state": {"S": "done"},
    }
    answer = StreamHandler(bench.flow.runtime).handle([record(1, forged, item), record(2, item, None)], 60_000)
    assert answer == {"batchItemFailures": []}


def test_the_stream_handler_starts_who_is_next_and_counts_it(
    bench: LaneBench, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "workflow")
    bench.add("1", "2")
    answer = StreamHandler(bench.flow.runtime).handle(records(bench.store), 60_000)
    assert answer == {"batchItemFailures": []}
    assert bench.standing() == ({1: "1"}, ["2"])
    assert of_line(caplog.records[-1])["started"] == 1


def test_a_deleted_item_shows_the_place_that_it_had(bench: LaneBench) -> None:
    bench.add("1")
    bench.start()
    entity = bench.get("1")
    found = _look(bench, record(1, image(bench.store, entity), None))
    (change,) = found.changes
    assert (change.left, change.place, change.gone) == (entity.place, None, "the entity was deleted by hand")


@pytest.mark.parametrize("place", [WAITING, SLOT])
def test_a_place_is_read_as_it_was_written(place: Place) -> None:
    assert place_items.find_place({"place": place_items.write_place(place)}) == place
    assert place_items.find_place({}) is None


@pytest.mark.parametrize("entity_id", ["1", "a#b", "#", "ü " * 100])
@pytest.mark.parametrize("place", [WAITING, SLOT])
def test_a_row_is_read_as_it_was_written(place: Place, entity_id: str) -> None:
    row = InLane(entity_id, place)
    item = lane_items.write_row(place.at("job"), row)
    assert lane_items.read_row(item) == row
    assert lane_items.is_row(item)
    assert lane_items.split_lane_partition(item["pk"]["S"]) == place.at("job")
    assert item["sk"]["S"] <= lane_items.LAST


def test_rows_of_the_longest_names_fit_a_key() -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html"""
    bench = LaneBench()
    bench.add("i" * 900, repository="k" * 900, priority=-(10**37))
    place = bench.get("i" * 900).place
    assert place is not None
    key = lane_items.row_key(place.at("job"), InLane("i" * 900, place))
    assert len(key["pk"]["S"].encode()) <= 2048
    assert len(key["sk"]["S"].encode()) <= 1024


def test_the_watched_row_is_found_by_its_queue_and_is_none_of_those_that_run_or_wait() -> None:
    item = lane_items.write_watch(LANE, BEGINNING)
    at = datetime.fromtimestamp(int(BEGINNING.timestamp() * 1000) / 1000, UTC)
    assert lane_items.read_watch(item) == WatchedLane(LANE, at)
    assert not lane_items.is_row(item)
    assert item["due"]["S"].startswith("lane#")


@pytest.mark.parametrize("pk", ["lane#job", "lane", "", "x"])
def test_what_stands_in_the_queue_and_is_no_lane_is_told_by_its_place(pk: str) -> None:
    with pytest.raises(HistoryConflictError, match="was changed by hand"):
        lane_items.read_watch({"pk": {"S": pk}, "sk": {"S": "lane"}, "due_at": {"N": "1"}})


def test_an_entity_without_a_place_carries_none(bench: LaneBench) -> None:
    bench.deploy(laned(JOB, waiting="failed", running="done", trigger="retry"))
    bench.add("1")
    item = image(bench.store, bench.get("1"))
    assert item is not None
    assert "place" not in item
    assert items.read_entity(item).place is None
