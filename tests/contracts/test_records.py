"""What all records promise: everything of every entity, and walks that go on after any position without a gap."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.contracts.conftest import Ports
from tests.writes import BEGINNING, committed, creation, requested, step
from workflow.aws.records import TableRecords
from workflow.engine.place import LaneKey, Place
from workflow.runtime.ledger_entry import OWED, LedgerEntry
from workflow.runtime.ports import Violation, Write
from workflow.runtime.records import Records, Seen, WalkProgress
from workflow.testing import MemoryStore

SHARES = 3
MANY = [f"{number:02d}#ü " for number in range(14)]


def _records(ports: Ports) -> Records:
    return ports.store.records if isinstance(ports.store, MemoryStore) else TableRecords(ports.client, ports.table)


@pytest.fixture
def few_a_page(ports: Ports) -> Ports:
    """Every scan and query brings four items a page, as big items would."""

    def limit(params: dict[str, Any], **_: Any) -> None:
        params["Limit"] = 4

    if ports.client:
        for operation in ("Scan", "Query"):
            ports.client.meta.events.register(f"provide-client-params.dynamodb.{operation}", limit)
    return ports


def _walked(records: Records, share: int, after: str = "") -> list[Seen]:
    return list(records.walk(share, SHARES, after))


def _ids(found: Iterator[Any] | Sequence[Any]) -> list[str]:
    return [one.entity_id for one in found]


def test_everything_of_one_entity_is_there(few_a_page: Ports) -> None:
    store, records = few_a_page.store, _records(few_a_page)
    write = committed(store, requested(creation(), "r"))
    for _ in range(9):
        write = committed(store, step(write.after))
    committed(store, creation("420"))
    entry = LedgerEntry("order", "42", 7, "one", datetime.fromisoformat("2026-01-31T12:00:00.250Z"), {"hook": OWED})
    few_a_page.ledger.put(entry, None)
    violation = Violation("order", "42", "3", BEGINNING, "reason", "a", "b", 1, 2)
    store.record_violation(violation)
    found = records.of("order", "42")
    assert (found.kind, found.entity_id, found.entity) == ("order", "42", write.after)
    assert [event.version for event in found.events] == list(range(1, 11))
    assert list(found.events) == list(store.events("order", "42"))
    assert [(request.id, request.version) for request in found.requests] == [("r", 1)]
    assert (list(found.entries), list(found.violations)) == ([entry], [violation])
    assert (found.timer, list(found.damaged)) == (None, [])


def test_nothing_is_there_of_an_entity_that_never_was(ports: Ports) -> None:
    found = _records(ports).of("order", "42")
    assert (found.entity, list(found.events), list(found.entries), list(found.damaged)) == (None, [], [], [])


def test_every_entity_is_in_one_share_and_whole(few_a_page: Ports) -> None:
    for entity_id in MANY:
        write = committed(few_a_page.store, creation(entity_id))
        for _ in range(int(entity_id[1]) % 3):
            write = committed(few_a_page.store, step(write.after))
    records = _records(few_a_page)
    records.keep_progress(WalkProgress(None, BEGINNING, 1, 1, ("",)))
    few_a_page.ledger.resume("hook")
    found = [one for share in range(SHARES) for one in records.all(share, SHARES)]
    assert sorted(_ids(found)) == MANY
    assert {one.entity_id: len(one.events) for one in found} == {id: int(id[1]) % 3 + 1 for id in MANY}
    assert all(one.entity is not None and one.entity.version == len(one.events) for one in found)


def test_a_walk_sees_every_entity_once_with_what_it_owes(few_a_page: Ports) -> None:
    for entity_id in MANY:
        committed(few_a_page.store, creation(entity_id, owing=int(entity_id[1]) % 2))
    found = [seen for share in range(SHARES) for seen in _walked(_records(few_a_page), share)]
    assert sorted(_ids(found)) == MANY
    assert {(seen.kind, seen.changed_at) for seen in found} == {("order", BEGINNING)}
    assert {seen.entity_id: seen.owing for seen in found} == {id: int(id[1]) % 2 for id in MANY}


def test_a_walk_goes_on_after_any_position_without_leaving_one_out(few_a_page: Ports) -> None:
    for entity_id in MANY:
        committed(few_a_page.store, creation(entity_id))
    records = _records(few_a_page)
    for share in range(SHARES):
        whole = _walked(records, share)
        for number, seen in enumerate(whole):
            later = _walked(records, share, seen.position) if seen.position else whole
            assert set(_ids(whole[number + 1 :])) <= set(_ids(later))
            assert set(_ids(later)) <= set(_ids(whole))
        assert _ids(whole) == _ids(_walked(records, share))


def test_a_position_moves_on_so_that_a_walk_comes_to_an_end(few_a_page: Ports) -> None:
    for entity_id in MANY:
        committed(few_a_page.store, creation(entity_id))
    records = _records(few_a_page)
    for share in range(SHARES):
        whole = _walked(records, share)
        if len(whole) > 4:
            assert len(_walked(records, share, whole[-1].position)) <= 4


def test_progress_is_kept_until_it_is_forgotten(ports: Ports) -> None:
    records = _records(ports)
    assert records.find_progress() is None
    for since in (None, BEGINNING - timedelta(hours=2)):
        progress = WalkProgress(since, BEGINNING, 12, 3, ("", None, '{"pk": {"S": "order#ü"}}'))
        records.keep_progress(progress)
        assert records.find_progress() == progress
    records.keep_progress(None)
    assert records.find_progress() is None


@pytest.mark.not_on(ministack="counts the table and not the index")
def test_about_how_many_entities_there_are(ports: Ports) -> None:
    for entity_id in MANY:
        committed(ports.store, creation(entity_id))
    assert _records(ports).estimated_entities() in (0, len(MANY))


@pytest.mark.not_on(memory="nobody writes there past the framework")
def test_items_that_somebody_damaged_are_named_and_end_nothing(ports: Ports) -> None:
    write = committed(ports.store, creation())
    committed(ports.store, step(write.after))
    committed(ports.store, creation("sound"))
    for sk, name in (("entity", "changed_at"), ("event#000000000002", "edge")):
        ports.client.update_item(
            TableName=ports.table,
            Key={"pk": {"S": "order#42"}, "sk": {"S": sk}},
            UpdateExpression="REMOVE #name",
            ExpressionAttributeNames={"#name": name},
        )
    ports.client.put_item(
        TableName=ports.table, Item={"pk": {"S": "order#42"}, "sk": {"S": "effects#000000000002"}, "x": {"S": "secret"}}
    )
    records = _records(ports)
    found = records.of("order", "42")
    assert (found.entity, [event.version for event in found.events], list(found.entries)) == (None, [1], [])
    assert sorted(found.damaged.values()) == [
        f"item order#42 {sk} was changed by hand: it lacks '{lacking}'; restore it from its history or a backup"
        for sk, lacking in (
            ("effects#000000000002", "outcomes"),
            ("entity", "changed_at"),
            ("event#000000000002", "edge"),
        )
    ]
    walked = {seen.entity_id: seen.owing for share in range(SHARES) for seen in _walked(records, share)}
    assert walked["sound"] == 0
    assert walked["42"] > 0


def _in_lane(store: Any, entity_id: str, key: str, **stands: Any) -> Write:
    place = Place("build", key, BEGINNING, **stands)
    return committed(store, creation(entity_id, kind="job", place=place))


def test_a_walk_sees_states_and_places_and_takes_no_row_of_a_lane_for_an_entity(few_a_page: Ports) -> None:
    store, records = few_a_page.store, _records(few_a_page)
    places = {}
    for number, entity_id in enumerate(MANY):
        stands = {"slot": number + 1} if number < 3 else {"rank": f"{number:03d}"}
        places[entity_id] = _in_lane(store, entity_id, "acme#ü", **stands).after.place
    committed(store, creation("nowhere", kind="job"))
    store.watch_lane(LaneKey("job", "build", "acme#ü"), None, BEGINNING)
    seen = {one.entity_id: one for share in range(SHARES) for one in _walked(records, share)}
    assert {entity_id: one.place for entity_id, one in seen.items()} == {**places, "nowhere": None}
    assert {(one.kind, one.state) for one in seen.values()} == {("job", "placed")}
    found = [one for share in range(SHARES) for one in records.all(share, SHARES)]
    assert sorted(_ids(found)) == sorted([*MANY, "nowhere"])


def test_every_lane_with_a_row_is_in_one_share_once_whoever_stands_there(few_a_page: Ports) -> None:
    store, records = few_a_page.store, _records(few_a_page)
    for number, entity_id in enumerate(MANY):
        _in_lane(store, entity_id, f"key#{number % 4}", slot=number + 1)
    committed(store, creation("nowhere", kind="lanes"))
    gone = committed(store, creation("once", kind="job", place=Place("test", "", BEGINNING, slot=1)))
    committed(store, step(gone.after))
    found = [lane for share in range(SHARES) for lane in records.lanes(share, SHARES)]
    assert sorted(found) == [LaneKey("job", "build", f"key#{number}") for number in range(4)]


@pytest.mark.not_on(memory="nobody writes there past the framework")
def test_what_somebody_put_among_the_lanes_ends_no_walk(ports: Ports) -> None:
    _in_lane(ports.store, "42", "acme", slot=1)
    ports.client.put_item(TableName=ports.table, Item={"pk": {"S": "lane#by hand"}, "sk": {"S": "x"}})
    records = _records(ports)
    found = [lane for share in range(SHARES) for lane in records.lanes(share, SHARES)]
    assert found == [LaneKey("job", "build", "acme")]
    assert _ids([one for share in range(SHARES) for one in records.all(share, SHARES)]) == ["42"]


@pytest.mark.not_on(memory="nobody writes there past the framework")
def test_a_place_that_was_damaged_is_looked_at_whole(ports: Ports) -> None:
    _in_lane(ports.store, "42", "acme", slot=1)
    ports.client.update_item(
        TableName=ports.table,
        Key={"pk": {"S": "job#42"}, "sk": {"S": "entity"}},
        UpdateExpression="SET place = :place",
        ExpressionAttributeValues={":place": {"S": "here"}},
    )
    (seen,) = [one for share in range(SHARES) for one in _walked(_records(ports), share)]
    assert (seen.entity_id, seen.owing > 0) == ("42", True)
