"""The message that tells of a transition, value by value."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from workflow.engine.entity import Entity
from workflow.engine.events import Event, evolve
from workflow.runtime.publish.envelope import envelope, pointing_at

AT = datetime(2026, 1, 31, 13, 0, 0, 500_000, tzinfo=timezone(timedelta(hours=1)))
CREATED = Event("order", "4/2", 1, "id-1", "create", "", "placed", AT, 1, changes={"total": 100})


def entity(**data: Any) -> Entity:
    return evolve(None, CREATED._replace(changes=data))


def told(event: Event = CREATED, of: Entity | None = None, **how: Any) -> dict[str, Any]:
    """The message, with nothing hidden and nothing of the payload declared unless it is said."""
    plain: dict[str, Any] = {"declared": (), "hidden": (), "by": "", "type": "", "key": "a-key", "source": "/shop"}
    return envelope(event, of or entity(total=100), **(plain | how))


def test_a_creation_is_told_whole() -> None:
    assert told() == {
        "specversion": "1.0",
        "id": "a-key",
        "source": "/shop",
        "type": "order.create",
        "subject": "order/4/2",
        "time": "2026-01-31T12:00:00.500000Z",
        "datacontenttype": "application/json",
        "dataschema": "urn:stream-workflow:transition:1",
        "data": {
            "kind": "order",
            "id": "4/2",
            "version": 1,
            "trigger": "create",
            "to": "placed",
            "at": "2026-01-31T12:00:00.500000Z",
            "payload": {},
            "data": {"total": 100},
        },
    }


def test_a_transition_says_where_it_comes_from_and_who_asked_and_what_it_is_called() -> None:
    paid = CREATED._replace(version=2, trigger="pay", source="placed", target="paid", payload={"amount": 1, "odd": 2})
    message = told(paid, type="OrderPaid", by="ada", declared={"amount"})
    assert message["type"] == "OrderPaid"
    assert message["data"] == {
        "kind": "order",
        "id": "4/2",
        "version": 2,
        "trigger": "pay",
        "from": "placed",
        "to": "paid",
        "at": "2026-01-31T12:00:00.500000Z",
        "by": "ada",
        "payload": {"amount": 1},
        "data": {"total": 100},
    }


def test_what_is_hidden_is_shown_at_no_depth_and_inside_no_list() -> None:
    data = {"email": "x", "lines": [{"email": "x", "sku": "A"}, [{"email": {"sku": "B"}}]], "deep": {"m": {"email": 1}}}
    message = told(
        CREATED._replace(payload={"email": "x", "card": {"email": "x", "brand": "v"}}),
        entity(**data),
        hidden={"email"},
        declared={"email", "card"},
    )
    assert message["data"]["data"] == {"lines": [{"sku": "A"}, [{}]], "deep": {"m": {}}}
    assert message["data"]["payload"] == {"card": {"brand": "v"}}


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (7, 7),
        (True, True),
        (None, None),
        (Decimal("59.9"), 59.9),
        (Decimal("0.1"), 0.1),
        (Decimal("1E-7"), 1e-07),
        (Decimal("0.12345678901234567890123456789"), "0.12345678901234567890123456789"),
        (Decimal("9007199254740993.5"), "9007199254740993.5"),
        (2**53 - 1, 9007199254740991),
        (2**53, "9007199254740992"),
        (-(10**37), "-1" + "0" * 37),
        ("2026-01-31T12:00:00.000000Z", "2026-01-31T12:00:00.000000Z"),
    ],
)
def test_a_number_stays_one_where_every_reader_reads_it_as_it_is(value: object, shown: object) -> None:
    seen = told(of=entity(inside=[value]))["data"]["data"]["inside"][0]
    assert (seen, type(seen)) == (shown, type(shown))


def test_read_as_doubles_or_exactly_a_number_is_the_same() -> None:
    values = [Decimal("59.9"), Decimal("1234567.891"), Decimal("1E-30"), 12, Decimal("-0.005")]
    text = json.dumps(told(of=entity(values=values)))
    exact = json.loads(text, parse_float=Decimal)["data"]["data"]["values"]
    assert exact == values
    assert [Decimal(repr(value)) for value in json.loads(text)["data"]["data"]["values"]] == values


def test_a_pointer_stands_in_the_place_of_the_data_and_the_rest_stays() -> None:
    whole = told()
    assert pointing_at(whole, "s3://b/k") == {
        **{name: part for name, part in whole.items() if name != "data"},
        "dataref": "s3://b/k",
    }


def test_the_same_event_makes_the_same_message_whatever_zone_its_time_is_told_in() -> None:
    assert told(CREATED._replace(at=AT.astimezone(UTC))) == told()
