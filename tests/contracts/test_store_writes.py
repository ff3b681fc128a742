"""What every store promises about writing: wholly or not at all, at the version that was read, or not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.contracts.conftest import Ports
from tests.writes import committed, creation, requested, step
from workflow.errors import TooLargeError
from workflow.runtime.ports import Contested


def test_an_entity_is_created_with_its_first_event(ports: Ports) -> None:
    write = committed(ports.store, creation(data={"email": "a@b.c", "total": 120}))
    assert ports.store.find_entity("order", "42") == write.after
    assert ports.store.find_event("order", "42", 1) == write.event
    assert list(ports.store.events("order", "42")) == [write.event]


def test_what_was_never_written_is_not_found(ports: Ports) -> None:
    committed(ports.store, creation())
    assert ports.store.find_entity("order", "43") is None
    assert ports.store.find_entity("job", "42") is None
    assert ports.store.find_event("order", "42", 2) is None
    assert ports.store.find_request("order", "42", "r") is None
    assert list(ports.store.events("order", "43")) == []


def test_a_second_creation_is_contested_by_entity_and_event_and_writes_nothing(ports: Ports) -> None:
    first = committed(ports.store, requested(creation(data={"total": 1}), "r"))
    second = requested(creation(data={"total": 2}), "s")
    assert ports.store.commit(second) == Contested(first.after, first.event, None)
    assert ports.store.find_entity("order", "42") == first.after
    assert list(ports.store.events("order", "42")) == [first.event]
    assert ports.store.find_request("order", "42", "s") is None


def test_a_second_writer_at_the_same_version_is_refused(ports: Ports) -> None:
    first = committed(ports.store, creation())
    paid = committed(ports.store, requested(step(first.after, by="one"), "r"))
    late = requested(step(first.after, "cancel", "cancelled", by="other"), "s")
    assert ports.store.commit(late) == Contested(paid.after, paid.event, None)
    assert ports.store.find_entity("order", "42") == paid.after
    assert list(ports.store.events("order", "42")) == [first.event, paid.event]
    assert ports.store.find_request("order", "42", "s") is None


def test_a_writer_two_versions_behind_is_refused(ports: Ports) -> None:
    first = committed(ports.store, creation())
    paid = committed(ports.store, step(first.after))
    shipped = committed(ports.store, step(paid.after, "ship", "shipped"))
    assert ports.store.commit(step(first.after)) == Contested(shipped.after, paid.event, None)
    assert list(ports.store.events("order", "42")) == [first.event, paid.event, shipped.event]


def test_a_writer_who_read_another_state_at_that_version_is_refused(ports: Ports) -> None:
    first = committed(ports.store, creation())
    mistaken = first.after._replace(state="paid")
    assert ports.store.commit(step(mistaken, "ship", "shipped")) == Contested(first.after, None, None)
    assert ports.store.find_entity("order", "42") == first.after
    assert list(ports.store.events("order", "42")) == [first.event]


def test_a_step_on_an_entity_that_is_not_there_is_refused_without_a_trace(ports: Ports) -> None:
    never_written = creation().after
    assert ports.store.commit(requested(step(never_written), "r")) == Contested(None, None, None)
    assert list(ports.store.events("order", "42")) == []
    assert ports.store.find_request("order", "42", "r") is None


def test_a_request_id_is_kept_with_the_version_it_became(ports: Ports) -> None:
    first = committed(ports.store, requested(creation(), "r1"))
    paid = committed(ports.store, requested(step(first.after), "stripe:evt_1#ü"))
    assert ports.store.find_request("order", "42", "r1") == first.request
    assert ports.store.find_request("order", "42", "stripe:evt_1#ü") == paid.request
    assert [event.request_id for event in ports.store.events("order", "42")] == ["r1", "stripe:evt_1#ü"]


def test_a_used_request_id_stands_in_the_way_of_a_write_that_nothing_else_contests(ports: Ports) -> None:
    first = committed(ports.store, requested(creation(), "r"))
    again = requested(step(first.after), "r")
    assert ports.store.commit(again) == Contested(None, None, first.request)
    assert ports.store.find_entity("order", "42") == first.after
    assert list(ports.store.events("order", "42")) == [first.event]


def test_the_same_request_id_on_another_entity_is_another_request(ports: Ports) -> None:
    one = committed(ports.store, requested(creation("1"), "r"))
    other = committed(ports.store, requested(creation("2"), "r"))
    assert ports.store.find_request("order", "1", "r") == one.request
    assert ports.store.find_request("order", "2", "r") == other.request


@pytest.mark.not_on(memory="has no network to lose an answer on", moto="ignores ClientRequestToken")
def test_the_same_write_again_is_the_same_success(ports: Ports) -> None:
    first = committed(ports.store, creation())
    paid = committed(ports.store, requested(step(first.after), "r"))
    assert ports.store.commit(paid) is None
    assert list(ports.store.events("order", "42")) == [first.event, paid.event]


def test_our_own_event_is_shown_to_a_repetition_under_another_token(ports: Ports) -> None:
    first = committed(ports.store, creation())
    paid = committed(ports.store, requested(step(first.after), "r"))
    repeated = replace(paid, token="another")
    assert ports.store.commit(repeated) == Contested(paid.after, paid.event, paid.request)


def test_an_event_that_the_entity_does_not_know_of_stands_in_the_way(ports: Ports) -> None:
    if ports.client is None:
        store = ports.store
        first = committed(store, creation())
        paid = committed(store, step(first.after))
        store._entities[("order", "42")] = first.after  # type: ignore[attr-defined]
    else:
        first = committed(ports.store, creation())
        at_first = ports.client.get_item(TableName=ports.table, Key=_key())["Item"]
        paid = committed(ports.store, step(first.after))
        ports.client.put_item(TableName=ports.table, Item=at_first)
    assert ports.store.commit(step(first.after)) == Contested(None, paid.event, None)


def _key() -> dict[str, dict[str, str]]:
    return {"pk": {"S": "order#42"}, "sk": {"S": "entity"}}


@pytest.mark.parametrize("place", ["data", "payload"])
def test_more_than_400_kb_are_refused_and_nothing_is_half_written(ports: Ports, place: str) -> None:
    first = committed(ports.store, creation())
    large = {"note": "x" * 420_000}
    changes = large if place == "data" else {}
    write = requested(step(first.after, payload=large, changes=changes), "r")
    with pytest.raises(TooLargeError, match="400 KB"):
        ports.store.commit(write)
    assert ports.store.find_entity("order", "42") == first.after
    assert list(ports.store.events("order", "42")) == [first.event]
    assert ports.store.find_request("order", "42", "r") is None
    committed(ports.store, requested(step(first.after), "r"))
