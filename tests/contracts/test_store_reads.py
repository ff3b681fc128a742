"""What every store promises about reading: histories in version order, listings by state, violations kept once."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from tests.contracts.conftest import Ports
from tests.writes import BEGINNING, committed, creation, step
from workflow.engine.events import Event
from workflow.runtime.ports import Listed, Store, Violation


def _written_history(store: Store, length: int, size: int) -> list[Event]:
    write = committed(store, creation())
    events = [write.event]
    for number in range(2, length + 1):
        write = committed(store, step(write.after, payload={"number": number, "filling": "x" * size}))
        write = write
        events.append(write.event)
        if number < length:
            write = committed(store, step(write.after, "refund", "placed"))
            events.append(write.event)
    return events


def test_a_history_longer_than_a_page_comes_whole_and_in_order(ports: Ports) -> None:
    events = _written_history(ports.store, 6, 250_000)
    assert list(ports.store.events("order", "42")) == events
    assert sum(len(str(event.payload)) for event in events) > 1024 * 1024


def test_a_part_of_a_history_is_read_by_version(ports: Ports) -> None:
    events = _written_history(ports.store, 7, 10)
    assert len(events) == 12
    store = ports.store
    assert list(store.events("order", "42", after=9)) == events[9:]
    assert list(store.events("order", "42", limit=10)) == events[:10]
    assert list(store.events("order", "42", after=3, limit=4)) == events[3:7]
    assert list(store.events("order", "42", after=12)) == []
    assert list(store.events("order", "42", limit=0)) == []
    assert list(store.events("order", "42", limit=100)) == events
    assert store.find_event("order", "42", 11) == events[10]


def test_a_limit_holds_over_pages(ports: Ports) -> None:
    events = _written_history(ports.store, 6, 300_000)
    assert list(ports.store.events("order", "42", after=1, limit=9)) == events[1:10]


def test_histories_of_ids_that_resemble_each_other_are_apart(ports: Ports) -> None:
    for entity_id in ("1", "10", "1#event", "1#entity"):
        committed(ports.store, creation(entity_id))
    for entity_id in ("1", "10", "1#event", "1#entity"):
        assert [event.entity_id for event in ports.store.events("order", entity_id)] == [entity_id]


def _line(entity_id: str, state: str, version: int) -> Listed:
    return Listed("order", entity_id, state, version, BEGINNING + timedelta(seconds=version - 1))


def test_entities_are_listed_by_state_in_the_order_of_their_ids(ports: Ports) -> None:
    for entity_id in ("b", "ä", "a", "𝄞", "￿", "B"):
        committed(ports.store, creation(entity_id))
    committed(ports.store, creation("c", kind="job"))
    assert list(ports.store.listing("order", "placed")) == [
        _line(entity_id, "placed", 1) for entity_id in ("B", "a", "b", "ä", "￿", "𝄞")
    ]
    assert list(ports.store.listing("order", "paid")) == []
    assert [line.id for line in ports.store.listing("job", "placed")] == ["c"]


def test_a_part_of_a_listing_is_read_by_id(ports: Ports) -> None:
    for entity_id in ("b", "ä", "a", "a#1", "B"):
        committed(ports.store, creation(entity_id))

    def listed(**part: Any) -> list[str]:
        return [line.id for line in ports.store.listing("order", "placed", **part)]

    assert listed(limit=2) == ["B", "a"]
    assert listed(limit=2, after="a") == ["a#1", "b"]
    assert listed(after="a") == ["a#1", "b", "ä"]
    # None of them has to be there.
    assert listed(after="aa") == ["b", "ä"]
    assert listed(after="ä") == []
    assert listed(limit=0) == []
    assert listed(limit=9) == ["B", "a", "a#1", "b", "ä"]


def test_a_transition_moves_an_entity_from_one_listing_to_another(ports: Ports) -> None:
    first = committed(ports.store, creation("1"))
    committed(ports.store, creation("2"))
    paid = committed(ports.store, step(first.after))
    assert list(ports.store.listing("order", "placed")) == [_line("2", "placed", 1)]
    assert list(ports.store.listing("order", "paid")) == [_line("1", "paid", 2)]
    committed(ports.store, step(paid.after, "annotate", "paid"))
    assert list(ports.store.listing("order", "paid")) == [_line("1", "paid", 3)]


def test_a_listing_longer_than_a_page_comes_whole(ports: Ports) -> None:
    # A line in the index has the id twice, once as the table's key: 1 MB is 600 of the longest.
    ids = [f"{number:03}" + "x" * 890 for number in range(620)]
    if ports.client is None:
        for entity_id in ids:
            committed(ports.store, creation(entity_id))
    else:
        _put_entities(ports, ids)
    assert [line.id for line in ports.store.listing("order", "placed")] == ids


def _put_entities(ports: Ports, ids: list[str]) -> None:
    """The same entity under many ids, 25 a call: a transaction each would take longer than all other tests."""
    committed(ports.store, creation("template"))
    key = {"pk": {"S": "order#template"}, "sk": {"S": "entity"}}
    item = ports.client.get_item(TableName=ports.table, Key=key)["Item"]
    ports.client.delete_item(TableName=ports.table, Key=key)
    for start in range(0, len(ids), 25):
        puts = [{"PutRequest": {"Item": {**item, "pk": {"S": f"order#{one}"}}}} for one in ids[start : start + 25]]
        ports.client.batch_write_item(RequestItems={ports.table: puts})


def _violation(position: str, seconds: int, **more: object) -> Violation:
    violation = Violation(
        kind="order",
        entity_id="42",
        position=position,
        at=BEGINNING + timedelta(seconds=seconds),
        reason="the state went from 'paid' to 'placed' without an event",
        source="paid",
        target="placed",
        before_version=2,
        version=2,
    )
    return replace(violation, **more)


def test_violations_are_kept_once_each_and_come_oldest_first(ports: Ports) -> None:
    newer, older = _violation("9", 20), _violation("100000000000000000000001", 10, source="", target="", version=0)
    for violation in (newer, older, newer, older):
        ports.store.record_violation(violation)
    assert list(ports.store.violations("order", "42")) == [older, newer]
    assert list(ports.store.violations("order", "43")) == []


def test_violations_stay_out_of_the_history_and_the_ledger(ports: Ports) -> None:
    write = committed(ports.store, creation())
    ports.store.record_violation(_violation("1", 0))
    assert list(ports.store.events("order", "42")) == [write.event]
    assert list(ports.ledger.entries("order", "42")) == []
    assert ports.store.find_entity("order", "42") == write.after
