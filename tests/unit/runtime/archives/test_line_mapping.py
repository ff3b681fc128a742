"""A line of an old system becomes the history that the definition would have allowed, or says why not."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from tests.samples import ORDER, definitions
from workflow.definition.archives.load import parse_archive_map
from workflow.engine.events import Event, fold
from workflow.engine.machine import Machine
from workflow.runtime.archives.line import LineError
from workflow.runtime.archives.line_mapping import LineMapping

MAP = """\
archive: old_shop
kind: order
id: line.number
created: line.ordered
data: {email: line.mail, total: line.total}
steps:
  - {trigger: pay, at: line.paid, when: line.total, payload: {amount: line.amount}}
  - each: line.log
    trigger: {from: step.what, words: {sent: ship, "7": annotate, off: cancel}}
    at: step.at
    payload: {carrier: step.by, note: at}
state: {from: line.status, words: {P: paid, S: shipped, N: placed, X: cancelled}}
"""
LINE: dict[str, Any] = {
    "number": 42,
    "ordered": "2019-03-01T10:00:00Z",
    "mail": "secret@b.c",
    "total": "59.90",
    "amount": "60",
    "paid": "2019-03-02T10:00:00+01:00",
    "log": [
        {"what": "sent", "at": "2019-03-04T00:00:00Z", "by": "dhl"},
        {"what": 7, "at": "2019-03-03T00:00:00Z"},
    ],
    "status": "S",
}
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def mapping(text: str = MAP, **replaced: str) -> LineMapping:
    for old, new in replaced.items():
        assert old in text
        text = text.replace(old, new)
    return LineMapping(parse_archive_map(text, definitions()), Machine(ORDER, {}), lambda: NOW)


def told(line: dict[str, Any], **replaced: str) -> str:
    with pytest.raises(LineError) as caught:
        mapping(**replaced).read(line)
    return str(caught.value)


def test_a_line_becomes_its_history_in_the_order_of_its_moments() -> None:
    kept = mapping().read(LINE)
    at = [datetime(2019, 3, 1, 10, tzinfo=UTC), datetime(2019, 3, 2, 9, tzinfo=UTC)]
    at += [datetime(2019, 3, 3, tzinfo=UTC), datetime(2019, 3, 4, tzinfo=UTC)]
    born = {"email": "secret@b.c", "total": Decimal("59.9")}
    noted = "2019-03-03T00:00:00.000000Z"
    sent = {"carrier": "dhl", "note": "2019-03-04T00:00:00.000000Z"}
    by = {"by": "archive:old_shop"}
    expected = [
        Event("order", "42", 1, "", "create", "", "placed", at[0], 1, born, born, **by),
        Event("order", "42", 2, "", "pay", "placed", "paid", at[1], 1, {"amount": 60}, **by),
        Event("order", "42", 3, "", "annotate", "paid", "paid", at[2], 1, {"note": noted}, {"note": noted}, **by),
        Event("order", "42", 4, "", "ship", "paid", "shipped", at[3], 1, sent, {"carrier": "dhl"}, **by),
    ]
    assert [event._replace(id="") for event in kept.events] == expected
    assert kept.entity == fold(kept.events)
    assert (kept.entity.state, kept.entity.version, kept.place, kept.timer) == ("shipped", 4, None, None)


def test_ids_are_the_same_each_time_and_others_for_another_history() -> None:
    ids = [event.id for event in mapping().read(LINE).events]
    assert ids == [event.id for event in mapping().read(LINE).events]
    assert len(set(ids)) == 4
    assert all(len(id) == 24 for id in ids)
    other = [event.id for event in mapping().read({**LINE, "amount": 61}).events]
    assert other[0] == ids[0]
    # What follows another event is another one, too.
    assert not {*other[1:]} & {*ids}


def test_what_has_not_happened_is_no_step() -> None:
    born = {**LINE, "paid": "", "log": None, "status": None}
    assert [event.trigger for event in mapping().read(born).events] == ["create"]
    free = {**LINE, "total": None, "log": [], "status": "N"}
    assert [event.trigger for event in mapping().read(free).events] == ["create"]


def test_steps_of_one_moment_stay_in_the_order_of_the_map() -> None:
    at = "2019-03-02T10:00:00Z"
    line = {**LINE, "ordered": at, "paid": at, "log": [{"what": "sent", "at": at, "by": "ups"}]}
    assert [event.trigger for event in mapping().read(line).events] == ["create", "pay", "ship"]


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"number": None}, "the id, line.number, is not in the line"),
        ({"number": 1.5}, "the id, line.number, is neither text nor a whole number"),
        ({"number": "x" * 901}, "order: the id has 901 bytes; at most 900 fit"),
        ({"ordered": ""}, "order 42: created, line.ordered, is not in the line"),
        (
            {"ordered": "1.3.2019"},
            "order 42: created: line.ordered is no time in ISO 8601, such as 2026-01-31T12:00:00Z; say in times how it "
            "is written",
        ),
        (
            {"ordered": "2019-03-01T10:00:00"},
            "order 42: created: line.ordered has no time zone; say which one it is in, such as times: "
            "{zone: Europe/Berlin}",
        ),
        ({"ordered": "2019-03-02T10:00:00Z"}, "order 42: step 1 is earlier than its creation"),
        (
            {"paid": "2026-02-01T00:00:00Z", "log": []},
            "order 42: step 1 is in the future; do day and month stand in the order that times.format says?",
        ),
        ({"total": "secret"}, "order 42: its creation: data.total takes a number, not this text; declared: "),
        (
            {"amount": "59"},
            "order 42: step 1: 'pay' from 'placed' (version 1) needs: payload.amount >= data.total",
        ),
        ({"amount": None}, "order 42: step 1: 'pay': payload.amount is missing"),
        ({"log": "secret"}, "order 42: step 2: line.log is no list"),
        (
            {"log": [{"what": "secret", "at": "2019-03-04T00:00:00Z"}]},
            "order 42: step 2: the trigger, step.what, is a word that the map does not know; it knows: sent, 7, off",
        ),
        (
            {"log": [{"what": ["secret"], "at": "2019-03-04T00:00:00Z"}]},
            "order 42: step 2: the trigger, step.what, is neither text nor a whole number",
        ),
        (
            {"log": [{"what": "off", "at": "2019-03-03T00:00:00Z"}, LINE["log"][0]]},
            "order 42: step 2: no transition 'ship' from 'cancelled' (version 3); from here: nothing, the state is "
            "final",
        ),
        ({"status": "P"}, "order 42: its steps lead to 'shipped', and its state is to be 'paid'"),
        ({"status": "secret"}, "order 42: state, line.status, is a word that the map does not know; it knows: P, S"),
    ],
)
def test_a_line_that_does_not_fit_says_why_and_quotes_nothing(changed: dict[str, Any], why: str) -> None:
    said = told({**LINE, **changed})
    assert said.startswith(why)
    assert "secret" not in said


def test_names_without_words_are_the_old_systems_own() -> None:
    plain = {
        ', words: {sent: ship, "7": annotate, off: cancel}': "",
        ", words: {P: paid, S: shipped, N: placed, X: cancelled}": "",
    }
    line = {**LINE, "log": [{"what": "ship", "at": "2019-03-04T00:00:00Z"}], "status": "shipped"}
    assert mapping(**plain).read(line).entity.state == "shipped"
    assert told({**line, "status": "secret"}, **plain) == (
        "order 42: the state, line.status, is none of those of 'order'"
    )
    odd = {**line, "log": [{"what": "secret", "at": "2019-03-04T00:00:00Z"}]}
    assert told(odd, **plain) == "order 42: step 2: the trigger, step.what, is none of those of 'order'"


def test_a_state_in_the_map_holds_for_every_line() -> None:
    text = MAP.partition("state:")[0] + "state: shipped\n"
    assert mapping(text).read(LINE).entity.state == "shipped"
    with pytest.raises(LineError, match="its steps lead to 'paid', and its state is to be 'shipped'"):
        mapping(text).read({**LINE, "log": []})


def test_numbers_with_a_comma_are_read_where_the_map_says_so() -> None:
    comma = {"kind: order\n": 'kind: order\ncsv: {decimal: ","}\n'}
    kept = mapping(**comma).read({**LINE, "total": "1.059,90", "amount": "1.060"})
    assert kept.entity.data["total"] == Decimal("1059.9")
    assert "takes a number" in told({**LINE, "total": "1.059,90"})
