"""What a home looks like in the table and on the stream: nothing at all where no region is set."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fakes.clock import START
from tests.fakes.records import record, records
from tests.unit.runtime.delivery import Bench
from workflow.aws import delivery_items, due_items, event_items, items, lane_items
from workflow.aws.bulk import _last_parts
from workflow.aws.stream import look, plans
from workflow.engine.place import LaneKey
from workflow.runtime.archives.bulk import Load
from workflow.runtime.ledger_entry import LedgerEntry, Parked
from workflow.runtime.ports import SetTimer

HERE, ABROAD = "eu-west-1", "us-east-1"
TIMER = SetTimer("order", "42", 1, "expire", START)
PARKED = LedgerEntry("order", "42", 1, "", START, {}, Parked("greet", "retry", START, START))


def _bench(region: str) -> Bench:
    bench = Bench()
    bench.store.region = region
    bench.paid()
    return bench


def _written(region: str) -> list[dict[str, Any]]:
    bench = _bench(region)
    entity, history = bench.flow.get("order", "42"), bench.flow.history("order", "42")
    return [items.write_entity(entity, history[-1]), *map(event_items.write_event, history)]


def test_a_home_is_one_attribute_of_the_entity_and_of_its_first_event() -> None:
    told = [{name: value for name, value in item.items() if name == "home"} for item in _written(HERE)]
    assert told == [{"home": {"S": HERE}}, {"home": {"S": HERE}}, {}]


def test_without_a_region_not_a_byte_is_more() -> None:
    with_home, without = _written(HERE), _written("")
    assert without == [{name: value for name, value in item.items() if name != "home"} for item in with_home]
    assert due_items.write_timer(TIMER)["due"] == {"S": "timer#4"}
    assert lane_items.lane_partition(LaneKey("job", "build", "a#b@c")) == "lane#job#build#a#b@c"


@pytest.mark.parametrize("region", ["", HERE])
def test_what_is_written_is_read(region: str) -> None:
    bench = _bench(region)
    entity, (first, second) = bench.flow.get("order", "42"), bench.flow.history("order", "42")
    assert items.read_entity(items.write_entity(entity, second)) == entity
    assert [event_items.read_event(event_items.write_event(event)) for event in (first, second)] == [first, second]


def test_what_is_due_stands_in_a_queue_of_its_region() -> None:
    assert due_items.write_timer(TIMER, HERE)["due"] == {"S": "timer#4@eu-west-1"}
    assert delivery_items.write_ledger_entry(PARKED, HERE)["due"] == {"S": "due#4@eu-west-1"}
    for_person = PARKED._replace(parked=Parked("greet", "attempts", START, None))
    assert delivery_items.write_ledger_entry(for_person, HERE)["due"] == {"S": "parked#4@eu-west-1"}


def test_a_lane_is_one_of_its_region() -> None:
    lane = LaneKey("job", "build", "a#b@c")
    pk = lane_items.lane_partition(lane, HERE)
    assert pk == "lane#job@eu-west-1#build#a#b@c"
    assert (lane_items.split_lane_partition(pk), lane_items.region_of(pk)) == (lane, HERE)
    assert lane_items.region_of(lane_items.lane_partition(lane)) == ""
    assert lane_items.write_watch(lane, START, HERE)["due"]["S"].endswith("@eu-west-1")


@pytest.mark.parametrize(("home", "region"), [(HERE, ABROAD), (HERE, ""), ("", HERE)])
def test_records_of_another_region_are_passed_over_and_counted(home: str, region: str) -> None:
    bench = _bench(home)
    given, declared = records(bench.store), plans(bench.flow.definitions)
    found = look(given, declared, region)
    assert (found.elsewhere, found.changes, found.transitions, found.foreign) == (2, [], 0, 0)
    at_home = look(given, declared, home)
    assert (at_home.elsewhere, len(at_home.changes), at_home.transitions) == (0, 2, 2)


def _images(bench: Bench) -> tuple[dict[str, Any], dict[str, Any]]:
    images = records(bench.store)[1]["dynamodb"]
    return images["OldImage"], images["NewImage"]


@pytest.mark.parametrize(
    "damage", [{"state": {"S": "nowhere"}}, {"home": {"S": ABROAD}}, {"home": {"N": "1"}}, {"home": 1}]
)
def test_what_was_changed_by_hand_at_home_is_looked_at_there(damage: dict[str, Any]) -> None:
    bench = _bench(HERE)
    old, new = _images(bench)
    given, declared = [record(1, old, {**new, **damage})], plans(bench.flow.definitions)
    assert look(given, declared, HERE).elsewhere == 0
    assert len(look(given, declared, HERE).changes) == 1


def test_what_was_deleted_at_home_is_a_violation_there_alone() -> None:
    bench = _bench(HERE)
    _, last = _images(bench)
    given, declared = [record(1, last, None)], plans(bench.flow.definitions)
    assert [change.gone for change in look(given, declared, HERE).changes] == ["the entity was deleted by hand"]
    assert look(given, declared, ABROAD).elsewhere == 1


def test_strangers_stay_strangers_in_every_region() -> None:
    bench = _bench(HERE)
    given = record(1, None, {"pk": {"S": "basket#1"}, "sk": {"S": "entity"}, "home": {"S": ABROAD}})
    assert look([given], plans(bench.flow.definitions), HERE).foreign == 1


def test_the_timer_of_what_is_loaded_stands_in_the_queue_of_its_region() -> None:
    bench = _bench(HERE)
    load = Load(bench.flow.get("order", "42"), bench.flow.history("order", "42"), [], TIMER, [])
    dues = [part.item["due"] for part in _last_parts(load, HERE) if "due" in part.item]
    assert dues == [{"S": "timer#4@eu-west-1"}]
