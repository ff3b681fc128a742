"""Expressions are compiled once, say what they read, and cannot be made to fail in any way but one."""

from __future__ import annotations

import contextlib
import re
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.exact import exact
from workflow.definition.expressions import Expression, ExpressionError
from workflow.definition.values import UnfitValueError


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
        "`0.12345678901234567891`",
        '`[1, {"a": 12345678901234567890.5}]`',
        "`1e400`",
        "`1e99999999999999999999`",
        "`NaN`",
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


DIGITS = "1234567890123456789012345678901234567"
SEEN = {
    "data": {
        "long": Decimal(f"-{DIGITS}.8"),
        "huge": 10**37,
        "half": Decimal("0.5"),
        "tenth": Decimal("0.1"),
        "one": 1,
    },
}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("to_number('0.1')", Decimal("0.1")),
        ("to_number('0.1') == `0.1` && to_number('0.1') == data.tenth", True),
        ("to_number('12345678901234567890.123456789')", Decimal("12345678901234567890.123456789")),
        ("to_number('12.0')", 12),
        ("to_number(data.half)", Decimal("0.5")),
        ("to_number(' 12 ')", None),
        ("to_number('1_000')", None),
        ("to_number('\u0661\u0662')", None),
        ("to_number('NaN')", None),
        ("to_number(`true`)", None),
        ("abs(data.long)", Decimal(f"{DIGITS}.8")),
        ("ceil(data.long)", -int(DIGITS)),
        ("floor(data.long)", -int(DIGITS) - 1),
        ("sum([data.long, data.tenth])", Decimal(f"-{DIGITS}.7")),
        ("sum([data.tenth, data.tenth, data.tenth]) == `0.3`", True),
        ("sum(`[]`)", 0),
        ("avg(`[1, 2]`)", Decimal("1.5")),
        ("avg(`[1, 3]`)", 2),
        ("avg(`[1, 0, 0]`)", Decimal("0." + "3" * 38)),
        ("avg(`[]`)", None),
        ("max([data.long, data.half, data.one])", 1),
        ("min([data.long, data.half, data.one])", Decimal(f"-{DIGITS}.8")),
        ("sort([data.one, data.half, data.tenth])", [Decimal("0.1"), Decimal("0.5"), 1]),
        ("sort_by([{n: data.one}, {n: data.half}], &n)[*].n", [Decimal("0.5"), 1]),
        ("max_by([{n: data.one}, {n: data.half}], &n).n", 1),
        ("type(data.half)", "number"),
        ("to_string(`1.5`)", "1.5"),
        ("to_string(avg(`[1, 3]`))", "2"),
        ("to_string({a: data.half, b: [data.one, `true`, 'x\"', `null`]})", '{"a":0.5,"b":[1,true,"x\\"",null]}'),
        ("to_string(sum(`[0.5, 0.5]`))", "1"),
        ("to_string('text')", "text"),
    ],
)
def test_functions_are_exact_on_numbers(text: str, value: Any) -> None:
    assert exact(Expression(text).evaluate(SEEN)) == exact(value)


@pytest.mark.parametrize(
    "text",
    [
        "sum([data.huge, data.half, data.tenth, `0.001`])",
        "avg([data.huge, data.half, data.tenth, `0.001`])",
        "to_number('1.234567890123456789012345678901234567891')",
        "to_number('1e126')",
        "to_number('1e99999999999999999999')",
    ],
)
def test_a_number_that_would_be_rounded_is_refused(text: str) -> None:
    with pytest.raises(ExpressionError, match="would not be exact in 38 digits"):
        Expression(text).evaluate(SEEN)


@pytest.mark.parametrize("text", ["`1` == `true`", "data.half == '0.5'", "data.one == '1'", "data.one > `true`"])
def test_a_number_is_neither_text_nor_true(text: str) -> None:
    assert not Expression(text).holds(SEEN)


def test_an_expression_that_gives_what_cannot_be_stored_says_nothing_of_where_in_it_that_stands() -> None:
    deep: Any = "x"
    for _ in range(30):
        deep = {"4111-1111": deep}
    with pytest.raises(UnfitValueError) as caught:
        Expression("[data.card]").evaluate({"data": {"card": deep}})
    assert str(caught.value) == "[data.card] cannot be stored: a value in it is nested deeper than 28 levels"


@pytest.mark.parametrize(
    ("text", "element_names"),
    [
        ("payload.items[?sku == data.sku]", {"sku", "data"}),
        ("payload.items[?@.data == 'x'].data", set()),
        ("length(payload.items[?parts[?length(payload) > `1`]]) > data.n", {"parts", "payload"}),
        ("map(&join('', [a, entity.id]), payload.items)", {"a", "entity"}),
        ("payload.items[*].data.sku", set()),
        ("payload.items[?a] | [0].data", {"a"}),
    ],
)
def test_an_expression_says_which_names_start_from_an_element(text: str, element_names: set[str]) -> None:
    assert Expression(text).element_names() == element_names


@pytest.mark.parametrize(
    ("text", "words", "way_out"),
    [
        ("!data.locked", "'!data.locked' reads as (!data).locked, which is always null", "write !(data.locked)"),
        ("length(data.items[?!ok.seen]) > `0`", "'!ok.seen' reads as (!ok).seen", "write !(ok.seen)"),
        ("data.a && !data.b.c", "'!data.b.c' reads as (!data).b.c", "write !(data.b.c)"),
        ("!data.items[0].ok", "a '!' stands for the first name of a path alone", "write !(the.path)"),
    ],
)
def test_a_not_that_the_dot_takes_away_is_refused_wherever_it_stands(text: str, words: str, way_out: str) -> None:
    with pytest.raises(ExpressionError, match=re.escape(words)) as refusal:
        Expression(text)
    assert refusal.value.way_out == way_out


@pytest.mark.parametrize("text", ["!(data.locked)", "!data", "!contains(data.tags, 'x')"])
def test_a_not_that_stands_for_the_whole_is_taken(text: str) -> None:
    Expression(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("sum([data.one, data.none])", "sum() does not take null; use not_null(x, `0`)"),
        ("abs(data.none)", "abs() does not take null; use not_null(x, `0`)"),
        ("starts_with(data.none, 'a')", "starts_with() does not take null; use not_null(x, '')"),
        ("keys(data.none)", "keys() does not take null; use not_null(x, `{}`)"),
        ("sum([data.one, 'secret'])", "sum() does not take string"),
        ("'secret' > data.one", "a number is compared with text"),
        ("data.half <= 'secret'", "a number is compared with text"),
        ("contains('secret', data.one)", "a number is compared with text, or sought in it"),
    ],
)
def test_an_expression_that_fails_says_what_it_was_given_and_how_to_do_without(text: str, words: str) -> None:
    with pytest.raises(ExpressionError) as failure:
        Expression(text).evaluate(SEEN)
    assert str(failure.value).startswith(f"{text!r}: {words}")
