"""Values as people read them, and as machines do."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflow.console.json_form import to_json
from workflow.console.times import took
from workflow.console.values import hide, printable, show_value

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.decimals(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(VALUES, st.sampled_from([None, 2]), st.booleans())
def test_json_gives_back_the_same_values_with_every_digit(value, indent, ascii_only):
    text = to_json(value, indent=indent, ascii_only=ascii_only)

    assert json.loads(text, parse_float=Decimal, parse_int=Decimal) == value
    assert not ascii_only or text.isascii()


def test_json_is_laid_out_as_the_library_does():
    whole = {"a": [1, {"b": []}, {}], "c": None}
    assert to_json(whole, indent=2) == json.dumps(whole, indent=2)
    assert to_json(whole) == json.dumps(whole)


def test_a_time_is_written_in_utc():
    moment = datetime(2026, 1, 31, 13, 0, 0, 120_000, tzinfo=timezone(timedelta(hours=1)))

    assert to_json([moment, datetime(2026, 1, 31, tzinfo=UTC)]) == (
        '["2026-01-31T12:00:00.120000Z", "2026-01-31T00:00:00Z"]'
    )


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("DHL", "DHL"),
        ("two words", "two words"),
        ("", '""'),
        (" x ", '" x "'),
        ("12", '"12"'),
        ("true", '"true"'),
        ("[1]", '"[1]"'),
        ("[hidden]", "[hidden]"),
        ("line\nline", '"line\\nline"'),
        ("Zoë 🚚", "Zoë 🚚"),
        (12, "12"),
        (Decimal("120.5"), "120.5"),
        (True, "true"),
        (None, "null"),
        ({"a": [Decimal("1.5"), "é"]}, '{"a": [1.5, "é"]}'),
        ("x" * 121, "x" * 120 + "… (121 characters)"),
    ],
)
def test_a_value_is_shown_as_it_is_where_that_cannot_be_misread(value, shown):
    assert show_value(value) == shown


@given(st.text())
def test_nothing_printable_steers_a_terminal(text):
    for shown in (printable(text), show_value(text), show_value([text]), show_value({text: text})):
        assert not any(ord(c) < 32 or 127 <= ord(c) < 160 or c in "\u202e\u2066\u2028\u200e" for c in shown)


def test_sensitive_names_are_hidden_at_any_depth_and_secrets_under_any_name():
    values = {"email": "a@b.c", "customer": {"email": "x", "contacts": ["a@b.c", "d"]}, "total": 1}

    assert hide(values, {"email"}, {"a@b.c"}) == {
        "email": "[hidden]",
        "customer": {"email": "[hidden]", "contacts": ["[hidden]", "d"]},
        "total": 1,
    }


@pytest.mark.parametrize(
    ("milliseconds", "shown"),
    [(0, "0 ms"), (999, "999 ms"), (1500, "1.5 s"), (59_940, "59.9 s"), (60_000, "1 min"), (200_000, "3 min 20 s")],
)
def test_a_duration_is_told_in_the_unit_that_suits(milliseconds, shown):
    assert took(milliseconds) == shown
