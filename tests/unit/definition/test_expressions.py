"""Expressions are compiled once, say what they read, and cannot be made to fail in any way but one."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflow.definition.expressions import Expression, ExpressionError


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        ("payload.amount >= data.total", {("payload", "amount"), ("data", "total")}),
        ("payload | amount", {("payload", "amount")}),
        ("(payload || data).total", {("payload", "total"), ("data", "total")}),
        ("data.{a: b, c: d}", {("data", "b"), ("data", "d")}),
        ("@.payload.x", {("payload", "x")}),
        ("data.address.city", {("data", "address")}),
        ("data.items[0].price", {("data", "items")}),
        ("data.items[?price > `5`].name", {("data", "items")}),
        ("max_by(data.items, &price).name", {("data", "items")}),
        ("length(data.items) > `2` && !(entity.state == 'paid')", {("data", "items"), ("entity", "state")}),
        ("total", {("total",)}),
        ("`5`", set()),
    ],
)
def test_an_expression_says_which_names_it_starts_from(text: str, paths: set[tuple[str, ...]]) -> None:
    assert Expression(text).paths() == paths


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a +",
        "exec('rm')",
        "abs()",
        "abs(`1`, `2`)",
        "(" * 500 + "a",
        "!" * 500 + "a",
        "a" + " || a" * 190,
        "a" * 5000,
        "`" + "[" * 900 + "`.",
    ],
)
def test_what_is_no_expression_is_refused(text: str) -> None:
    with pytest.raises(ExpressionError):
        Expression(text)


@given(st.text("ab.[]()|&!@*`'\"\\{}:,?<>=-0159 ", max_size=60))
def test_no_text_makes_anything_but_an_expression_or_its_error(text: str) -> None:
    with contextlib.suppress(ExpressionError):
        Expression(text).paths()


def test_text_in_backticks_is_text_also_without_quotes_as_aws_users_write_it() -> None:
    assert Expression("data.carrier == `dhl`").holds({"data": {"carrier": "dhl"}})
