"""Creating and firing from a shell: exact numbers, typed values, clear refusals."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest


def test_a_creation_says_where_the_entity_stands(run, flow):
    result = run("create", "order", "42", "--set", "email=a@b.c", "--set", "total=120.50")

    assert (result.stdout, result.exit_code) == ("order 42: created in placed (version 1)\n", 0)
    assert flow.get("order", "42").data == {"email": "a@b.c", "total": Decimal("120.5")}


def test_a_transition_says_from_where_to_where(run, flow):
    flow.create("order", "42", {"email": "a@b.c", "total": 120})

    result = run("fire", "order", "42", "pay", "--payload", '{"amount": 120}')

    assert (result.stdout, result.exit_code) == ("order 42: placed -> paid (version 2)\n", 0)


def test_a_repeated_request_says_so_and_writes_nothing(run, flow):
    once = ("create", "order", "42", "--data", '{"email": "a@b.c", "total": 1}', "--request-id", "r1")
    run(*once)

    result = run(*once)

    assert result.stdout == (
        "order 42: created in placed (version 1); this request was answered before, nothing was written now\n"
    )
    assert len(flow.history("order", "42")) == 1


def test_numbers_in_json_arrive_with_every_digit(run, flow):
    run("create", "order", "42", "--data", '{"email": "e", "total": 0.1234567890123456789012345678901234567}')

    assert flow.get("order", "42").data["total"] == Decimal("0.1234567890123456789012345678901234567")


@pytest.mark.parametrize(
    ("pair", "value"),
    [
        ("code=007", "007"),
        ("code=true", "true"),
        ("code=", ""),
        ("code=a=b", "a=b"),
        ("total=120.50", Decimal("120.5")),
        ("total=007", 7),
        ("express=true", True),
        ('lines=[{"price": 1.10}]', [{"price": Decimal("1.1")}]),
    ],
)
def test_a_set_value_takes_the_type_of_its_field(run, flow, pair, value):
    data = '{"email": "e", "total": 1}'

    result = run("create", "order", "42", "--data", data, "--set", pair)

    assert result.exit_code == 0, result.output
    assert flow.get("order", "42").data[pair.partition("=")[0]] == value
    assert type(flow.get("order", "42").data[pair.partition("=")[0]]) is type(value)


@pytest.mark.parametrize(
    ("pair", "value"),
    [
        ("amount=7.10", Decimal("7.1")),
        ("code=007", "007"),
        ("other=12", 12),
        ("other=text", "text"),
        ("other=1e", "1e"),
    ],
)
def test_a_set_value_of_a_trigger_is_read_by_what_the_definition_says_of_it(run, flow, pair, value):
    flow.create("order", "42", {"email": "e", "total": 1})

    result = run("fire", "order", "42", "pay", "--payload", '{"amount": 7}', "--set", pair)

    assert result.exit_code == 0, result.output
    assert flow.history("order", "42")[-1].payload[pair.partition("=")[0]] == value


def test_a_set_value_that_only_the_trigger_declares_takes_that_type(run, flow):
    flow.create("order", "42", {"email": "e", "total": 1})

    run("fire", "order", "42", "cancel", "--set", "reason=12")

    assert flow.history("order", "42")[-1].payload == {"reason": "12"}


def test_the_same_request_in_json_and_with_set_is_the_same(run, flow):
    flow.create("order", "42", {"email": "e", "total": 1})
    run("fire", "order", "42", "pay", "--payload", '{"amount": 1.50}', "--request-id", "r1")

    result = run("fire", "order", "42", "pay", "--set", "amount=1.5", "--request-id", "r1")

    assert "answered before" in result.stdout


def test_who_asks_is_the_login_unless_it_is_said(run, flow):
    run("create", "order", "42", "--set", "email=e", "--set", "total=1")
    run("fire", "order", "42", "pay", "--set", "amount=1", "--by", "stripe")

    assert [event.by for event in flow.history("order", "42")] == ["cli:ada", "stripe"]


def test_json_holds_the_event_and_the_entity_without_what_is_sensitive(run):
    result = run("create", "order", "42", "--set", "email=a@b.c", "--set", "total=120.25", "--json")

    answer = json.loads(result.stdout, parse_float=Decimal)
    assert answer["repeated"] is False
    assert answer["event"]["changes"] == {"email": "[hidden]", "total": Decimal("120.25")}
    assert answer["event"]["at"] == "2026-03-28T22:59:58Z"
    assert answer["entity"]["data"] == {"email": "[hidden]", "total": Decimal("120.25")}
    assert "a@b.c" not in result.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("fire", "order", "42", "ship"), "no transition 'ship' from 'placed' (version 1); from here: "),
        (("fire", "order", "42", "pay", "--set", "amount=1"), "'pay' from 'placed' (version 1) needs: payload.amount"),
        (("fire", "order", "42", "pay", "--set", "amount=much"), "payload.amount "),
        (("fire", "order", "1", "pay"), "there is no order 1"),
        (("fire", "ordre", "42", "pay"), "did you mean 'order'?"),
        (("create", "order", "42", "--set", "email=e", "--set", "total=1"), "order 42 exists already"),
        (("create", "order", "43"), "data.email is missing; data.total is missing"),
    ],
)
def test_a_refusal_is_one_line_on_stderr(run, flow, arguments, message):
    flow.create("order", "42", {"email": "e", "total": 5})

    result = run(*arguments)

    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.startswith("Error: ")
    assert message in result.stderr
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--data", "[1]"), "Invalid value for '--data': give an object"),
        (("--data", "{"), "Invalid value for '--data': not valid JSON"),
        (("--data", ""), "Invalid value for '--data': not valid JSON"),
        (("--data", '{"a": NaN}'), "NaN is not a number that JSON knows"),
        (("--data", '{"a": 1, "a": 2}'), "'a' is given twice"),
        (("--data", "[" * 100_000), "nested too deeply"),
        (("--set", "total"), "'total' is not of the form name=value"),
        (("--set", "=1"), "'=1' is not of the form name=value"),
        (("--set", "a=1", "--set", "a=2"), "'a' is given twice"),
    ],
)
def test_what_cannot_be_read_is_a_usage_error(run, arguments, message):
    result = run("create", "order", "42", *arguments)

    assert result.exit_code == 2
    assert message in result.stderr
    assert "Traceback" not in result.output


@pytest.mark.parametrize("entity_id", ["-1", "--help", "a b", "a#b", "é", "[red]x[/red]", "x\ty"])
def test_an_id_may_hold_any_character(run, flow, entity_id):
    run("create", "--set", "email=e", "--set", "total=1", "--", "order", entity_id)
    run("fire", "--set", "amount=1", "--", "order", entity_id, "pay")

    assert flow.get("order", entity_id).state == "paid"
    assert run("show", "--", "order", entity_id).exit_code == 0


def test_an_id_never_steers_the_terminal(run):
    result = run("create", "order", "\x1b[2J\u202e\n", "--set", "email=e", "--set", "total=1")

    assert result.stdout == "order \\x1b[2J\\u202e\\x0a: created in placed (version 1)\n"


def test_a_refusal_that_quotes_an_id_stays_one_line(run):
    result = run("fire", "order", "\x1b[2J\n", "pay")

    assert result.stderr == "Error: there is no order \\x1b[2J\\x0a; create it first\n"
