"""Whatever a canonical value is, every store gives it back as it was, type by type."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from tests.contracts.conftest import Ports
from tests.exact import exact
from tests.writes import committed, creation, requested, step
from workflow.definition.values import MAX_DEPTH, Value, canonical


def _nested(levels: int) -> Value:
    value: Value = "bottom"
    for level in range(levels):
        value = [value] if level % 2 else {"deeper": value}
    return value


VALUES: dict[str, Any] = {
    "zero": 0,
    "a whole number": -7,
    "a number of 38 digits": 12345678901234567890123456789012345678,
    "a negative number of 38 digits": -99999999999999999999999999999999999999,
    "a fraction of 38 digits": Decimal("1.2345678901234567890123456789012345678"),
    "a whole number of 35 digits and many noughts": 12345678901234567890123456789012345 * 10**60,
    "the smallest number": Decimal("1E-130"),
    "the largest number": Decimal("9.9999999999999999999999999999999999999E+125"),
    "the lowest number": Decimal("-9.99E+125"),
    "minus nought": -0.0,
    "a float": 0.1,
    "a sum of floats": 0.1 + 0.2,
    "a float that is whole": 1e22,
    "an exponent": Decimal("1E+3"),
    "noughts at the end": Decimal("1.500"),
    "empty text": "",
    "astral text": "𝄞 🚚",
    "combining text": "e\u0301 is not é",
    "control characters": "\x00\x01\n\r\t\x7f\u2028",
    "text that looks like a number": "012",
    "true": True,
    "false": False,
    "nothing in a list": [None, True, 0, ""],
    "an empty list": [],
    "an empty map": {},
    "an odd key": {"#": "x", "a.b": 1, "ü 🚚": 2, "S": {"N": "1"}},
    "nested as deep as allowed": _nested(MAX_DEPTH + 1),
}


def test_every_value_comes_back_as_it_was(ports: Ports) -> None:
    data = {name: canonical(value, name) for name, value in VALUES.items()}
    first = committed(ports.store, creation(data=data))
    later = committed(ports.store, step(first.after, payload={"given": data}, changes=data))
    entity = ports.store.find_entity("order", "42")
    assert entity == later.after
    assert exact(entity.data) == exact(data)
    events = list(ports.store.events("order", "42"))
    assert [exact(event.payload) for event in events] == [exact(data), exact({"given": data})]
    assert [exact(event.changes) for event in events] == [exact(data)] * 2


def test_a_payload_that_became_the_change_comes_back_in_both(ports: Ports) -> None:
    first = committed(ports.store, creation())
    payload = {"same": "x", "other type": "1", "truth in a list": [True], "cleared": None, "only here": 0}
    changes = {"same": "x", "other type": 1, "truth in a list": [1], "cleared": None, "computed": Decimal("0.5")}
    write = committed(ports.store, step(first.after, payload=payload, changes=changes))
    event = ports.store.find_event("order", "42", 2)
    assert event == write.event
    assert exact(event.payload) == exact(payload)
    assert exact(event.changes) == exact(changes)


def test_300_kb_of_data_and_payload_are_kept(ports: Ports) -> None:
    large = {"note": "é" * 150_000}
    write = committed(ports.store, requested(creation(data=large), "r"))
    later = committed(ports.store, step(write.after, payload={"note": "x" * 300_000}))
    assert ports.store.find_entity("order", "42") == later.after
    assert list(ports.store.events("order", "42")) == [write.event, later.event]


def test_390_kb_that_are_payload_and_change_at_once_fit(ports: Ports) -> None:
    first = committed(ports.store, creation())
    large = {"note": "x" * 390_000}
    write = committed(ports.store, step(first.after, payload=large, changes=large))
    assert ports.store.find_event("order", "42", 2) == write.event


def test_an_empty_payload_comes_back_empty(ports: Ports) -> None:
    write = committed(ports.store, creation())
    assert ports.store.find_event("order", "42", 1) == write.event
    assert write.event.payload == {}


IDS = ("#", "a#b#c", " ", "with spaces ", "🚚", "e\u0301", "é", "../x", "event#000000000001", "x" * 900, "é" * 450)


def test_an_id_is_any_text(ports: Ports) -> None:
    writes = {one: committed(ports.store, requested(creation(one), one)) for one in IDS}
    for one, write in writes.items():
        assert ports.store.find_entity("order", one) == write.after
        assert list(ports.store.events("order", one)) == [write.event]
        assert ports.store.find_request("order", one, one) == write.request
    assert [line.id for line in ports.store.listing("order", "placed")] == sorted(IDS)


def test_what_was_read_is_a_copy(ports: Ports) -> None:
    write = committed(ports.store, creation(data={"list": [1], "map": {"a": 1}}))
    entity, event = ports.store.find_entity("order", "42"), ports.store.find_event("order", "42", 1)
    assert entity is not None
    assert event is not None
    for values in (entity.data, event.payload):
        values["list"].append(2)
        values["map"]["b"] = 2
    assert ports.store.find_entity("order", "42") == write.after
    assert ports.store.find_event("order", "42", 1) == write.event


def test_one_event_may_change_hundreds_of_fields(ports: Ports) -> None:
    first = committed(ports.store, creation(data={"kept": 1, **{f"field_{n}": "old" for n in range(300)}}))
    changes = {f"field_{n}": "new" if n % 2 else None for n in range(300)}
    later = committed(ports.store, step(first.after, changes=changes))
    assert ports.store.find_entity("order", "42") == later.after
    assert later.after.data == {"kept": 1, **{f"field_{n}": "new" for n in range(1, 300, 2)}}
