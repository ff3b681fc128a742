"""Where one entity stands, and which entities there are."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

SHOWN = """\
order 42  paid  version 2
since 2026-03-28 23:59:59, definition version 1
put aside at charge_loyalty: failed; next try 2026-03-29 00:00:15: workflow
explain order 42

data        email  [hidden]
            total  120.5
            code   "12"

can fire    ship    -> shipped
            cancel  -> cancelled  with reason

effects     version 2  ✗  charge_loyalty  failed  1 attempt   1.5 s
                          ValueError: no card of [hidden]: \\x1b[31mtry again try
                          again try again try again try again try again try
                          again try again try again try again try again try
                          again try again try again try again try again try …
            version 2  ○  tell_warehouse  owed
"""


def test_an_entity_is_shown_with_all_that_is_open(run, flow, clock, deliver):
    flow.create("order", "42", {"email": "a@b.c", "total": Decimal("120.50"), "code": "12"})
    clock.sleep(1)
    flow.fire("order", "42", "pay", {"amount": 121})
    deliver()

    assert run("show", "order", "42", columns=80).stdout == SHOWN


def test_what_can_be_fired_names_payload_guard_and_timer(run, flow):
    flow.create("order", "42", {"email": "e", "total": 1})

    lines = run("show", "order", "42", columns=80).stdout.splitlines()

    assert "can fire    pay     -> paid       with amount; if payload.amount >= data.total" in lines
    assert "            expire fires by itself after 30m in this state" in lines


def test_a_final_state_says_that_nothing_can_be_fired(run, flow):
    flow.create("order", "42", {"email": "e", "total": 1})
    flow.fire("order", "42", "cancel", {"reason": "x"})

    assert "can fire    nothing: the state is final" in run("show", "order", "42").stdout


def test_sensitive_data_is_shown_only_on_demand(run, flow):
    flow.create("order", "42", {"email": "a@b.c", "total": 1, "code": "a@b.c"})

    assert "a@b.c" not in run("show", "order", "42").stdout
    assert "a@b.c" not in run("show", "order", "42", "--json").stdout
    assert "email  a@b.c" in run("show", "order", "42", "--reveal").stdout


def test_the_json_of_an_entity_holds_the_same(run, flow):
    flow.create("order", "42", {"email": "a@b.c", "total": Decimal("0.10")})
    flow.fire("order", "42", "pay", {"amount": 121})

    told = json.loads(run("show", "order", "42", "--json").stdout, parse_float=Decimal)

    assert told["data"] == {"email": "[hidden]", "total": Decimal("0.1")}
    assert [way["trigger"] for way in told["can_fire"]] == ["ship", "cancel"]
    assert [(e["version"], e["hook"], e["outcome"]) for e in told["open_effects"]] == [
        (2, "send_receipt", "owed"),
        (2, "charge_loyalty", "owed"),
        (2, "tell_warehouse", "owed"),
    ]
    assert told["violations"] == []


def test_showing_what_is_not_there_is_refused(run):
    result = run("show", "order", "42")

    assert (result.stderr, result.exit_code) == ("Error: there is no order 42\n", 1)


@pytest.fixture
def three(flow):
    for number in ("1", "2", "3"):
        flow.create("order", number, {"email": "e", "total": 1})
    flow.fire("order", "2", "pay", {"amount": 1})


LISTED = """\
id   state    version   since
───────────────────────────────────────────
1    placed         1   2026-03-28 23:59:58
3    placed         1   2026-03-28 23:59:58
2    paid           2   2026-03-28 23:59:58
3 in all
"""


@pytest.mark.usefixtures("three")
def test_a_listing_has_one_line_an_entity(run):
    assert run("list", "order", columns=80).stdout == LISTED


@pytest.mark.usefixtures("three")
def test_a_listing_of_one_state_has_only_those(run):
    lines = run("list", "order", "--state", "paid").stdout.splitlines()

    assert [line.split()[0] for line in lines[2:-1]] == ["2"]


@pytest.mark.usefixtures("three")
def test_a_listing_that_ends_early_says_how_to_see_more(run):
    lines = run("list", "order", "--limit", "2").stdout.splitlines()

    assert lines[-1] == "the first 2; there are more: --limit 20"
    assert len(lines) == 5


@pytest.mark.usefixtures("three")
def test_the_json_of_a_listing_is_one_document(run):
    told = json.loads(run("list", "order", "--limit", "1", "--json").stdout)

    assert told == {
        "kind": "order",
        "state": None,
        "entities": [{"id": "1", "state": "placed", "version": 1, "since": "2026-03-28T22:59:58Z"}],
        "more": True,
    }


def test_a_listing_of_nothing_says_so(run):
    assert run("list", "order").stdout == "none\n"


def test_an_unknown_state_is_refused_with_those_there_are(run):
    result = run("list", "order", "--state", "payd")

    assert result.exit_code == 1
    assert "order has no state 'payd'; it has: placed, paid" in result.stderr


def test_a_piped_listing_keeps_a_long_id_on_its_line(run, flow):
    flow.create("order", "x" * 300, {"email": "e", "total": 1})

    assert "x" * 300 + "   placed" in run("list", "order").stdout
