"""Rows: what an analyst gets to see of a transition, and what nobody gets to see."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal

import pytest

from tests.histories import history
from tests.samples import ORDER, definitions
from workflow.definition.definition import Definitions, Field
from workflow.runtime.analytics.transitions import Partition, Rows, Transition

CANARY = "canary@example.com"


def rows_of(*steps: tuple[object, ...], kind: str = "order", known: Definitions | None = None) -> list[Transition]:
    rows = Rows(known or definitions(ORDER))
    return [row for _, row in rows.of(history("42", *steps, kind=kind))]


def shown(said: dict[str, object], known: Definitions | None = None) -> object:
    """What is left of a payload."""
    (row,) = rows_of((0, "create", "placed", {"payload": said}), known=known)
    return row.payload and json.loads(row.payload, parse_float=Decimal)


def test_a_row_says_all_of_its_event_and_of_the_stays_around_it():
    created = {"payload": {"total": 100}, "changes": {"total": 100, "carrier": None}, "request_id": "r1", "by": "ada"}
    first, second, third = rows_of(
        (0, "create", "placed", created),
        (1.5, "annotate", "placed"),
        (90, "pay", "paid", {"payload": {"amount": Decimal("0.1")}, "cause": "order#42#1#charge"}),
    )
    assert first == Transition(
        id="42",
        version=1,
        event_id="42-1",
        trigger="create",
        from_state=None,
        to_state="placed",
        happened_at="2026-01-31T12:00:00.000000Z",
        left_at="2026-01-31T12:01:30.000000Z",
        seconds_in_previous_state=None,
        definition=1,
        asked_by="ada",
        request_id="r1",
        cause=None,
        payload='{"total":100}',
        changes='{"total":100,"carrier":null}',
    )
    assert (second.from_state, second.to_state) == ("placed", "placed")
    assert (second.left_at, second.seconds_in_previous_state) == (first.left_at, None)
    assert (third.from_state, third.left_at, third.seconds_in_previous_state) == ("placed", None, 90.0)
    assert (third.payload, third.changes, third.cause) == ('{"amount":0.1}', "{}", "order#42#1#charge")


def test_a_row_lies_with_its_kind_on_the_day_of_its_own_event():
    rows = Rows(definitions(ORDER)).of(history("1", (0, "create", "placed"), (12 * 3600, "pay", "paid")))
    assert [partition.folder for partition, _ in rows] == ["kind=order/day=2026-01-31", "kind=order/day=2026-02-01"]
    assert Partition("order", "2026-01-31") < Partition("order", "2026-02-01")


def test_sensitive_fields_are_left_out():
    assert shown({"email": CANARY, "total": 1}) == {"total": 1}


def test_what_any_loaded_version_calls_sensitive_is_left_out_of_all_of_them():
    second = replace(ORDER, version=2, data={**ORDER.data, "carrier": Field("carrier", "string", sensitive=True)})
    assert shown({"carrier": "dhl", "total": 1}, definitions(ORDER, second)) == {"total": 1}


def test_what_a_trigger_requires_is_shown_unless_it_is_sensitive():
    pay, *others = ORDER.transitions
    secret = replace(pay, requires={**pay.requires, "card": Field("card", "string", sensitive=True)})
    known = definitions(replace(ORDER, transitions=(secret, *others)))
    assert shown({"amount": 1, "card": "4111 1111"}, known) == {"amount": 1}


def test_what_no_loaded_version_declares_is_left_out():
    assert shown({"total": 1, "phone": CANARY}) == {"total": 1}


def test_sensitive_names_are_left_out_at_any_depth():
    nested = {"note": {"to": [{"email": CANARY, "x": 1}], "email": CANARY}}
    assert shown(nested) == {"note": {"to": [{"x": 1}]}}


def test_a_sensitive_text_that_stands_elsewhere_in_the_history_is_hidden_there():
    steps = [
        (0, "create", "placed", {"changes": {"email": CANARY}, "by": CANARY, "request_id": f"web:{CANARY}"}),
        (1, "annotate", "placed", {"payload": {"note": {f"To {CANARY.upper()}!": [f"sent to {CANARY}"]}}}),
    ]
    first, second = rows_of(*steps)
    assert (first.asked_by, first.request_id) == ("[hidden]", "web:[hidden]")
    assert second.payload == '{"note":{"To [hidden]!":["sent to [hidden]"]}}'
    assert "canary" not in repr([first, second]).casefold()


@pytest.mark.parametrize("held", [{"deep": [CANARY]}, [CANARY], f"first\n{CANARY}"])
def test_what_a_sensitive_field_holds_inside_is_as_secret(held):
    first, second = rows_of(
        (0, "create", "placed", {"changes": {"email": held}}),
        (1, "annotate", "placed", {"changes": {"note": f"<{CANARY}>"}}),
    )
    assert (first.changes, second.changes) == ("{}", '{"note":"<[hidden]>"}')


def test_of_a_kind_without_a_definition_no_payload_is_shown():
    (row,) = rows_of((0, "create", "placed", {"payload": {"total": 1}, "changes": {"total": 1}}), kind="ghost")
    assert (row.payload, row.changes, row.to_state) == (None, None, "placed")
