"""The history as a person reads it, and as a machine does."""

from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal

import pytest

from workflow.runtime.ports import Violation


@pytest.fixture
def lived(flow, clock, delivery):
    """An order that was paid, whose loyalty hook fails, that somebody changed by hand, then shipped the day after."""
    data = {"email": "a@b.c", "total": Decimal("120.50"), "lines": [{"sku": "A-1", "price": Decimal("60.25")}]}
    flow.create("order", "42", data, by="cli:ada")
    clock.sleep(1)
    flow.fire("order", "42", "pay", {"amount": 121}, by="stripe-webhook", request_id="stripe:evt_1NG8Du2eZvKYlo2CUI79")
    delivery.run()
    clock.sleep(15)
    delivery.sweep()
    clock.sleep(45)
    flow.runtime.store.record_violation(_violation(clock.now()))
    clock.sleep(5)
    flow.fire("order", "42", "ship", {"carrier": "DHL", "contact": "a@b.c", "note": "[bold]x[/bold]"}, by="hook:pack")
    return flow


def _violation(at):
    reason = "the state went from 'paid' to 'shipped' without an event"
    return Violation("order", "42", "7", at, reason, "paid", "shipped", 2, 2)


AT_80 = """\
order 42  shipped  version 3
since 2026-03-29 00:01:07, definition version 1

Saturday 2026-03-28 CET
 1  23:59:58  create  -> placed
              by       cli:ada
              changes  email: [hidden]  total: 120.5
                       lines: [{"sku": "A-1", "price": 60.25}]

 2  23:59:59  pay     placed -> paid
              by       stripe-webhook  request stripe:evt_1NG8Du2eZvKYlo2CUI79
              payload  amount: 121
              ✓  send_receipt    done    1 attempt   12 ms
              ✗  charge_loyalty  failed  2 attempts  1.5 s
                 ValueError: no card of [hidden]: \\x1b[31mtry again try again
                 try again try again try again try again try again try again try
                 again try again try again try again try again try again try
                 again try again try again try again try again try again try …
              ○  tell_warehouse  owed

Sunday 2026-03-29 CET
 !  00:01:02  violation  paid -> shipped
              the state went from 'paid' to 'shipped' without an event

 3  00:01:07  ship    paid -> shipped
              by       hook:pack
              payload  contact: [hidden]  note: [bold]x[/bold]
              changes  carrier: DHL

3 events; effects: 1 done, 1 failed, 1 owed; 1 violation
"""

AT_120 = """\
order 42  shipped  version 3
since 2026-03-29 00:01:07, definition version 1

Saturday 2026-03-28 CET
 1  23:59:58  create  -> placed
              by       cli:ada
              changes  email: [hidden]  total: 120.5  lines: [{"sku": "A-1", "price": 60.25}]

 2  23:59:59  pay     placed -> paid
              by       stripe-webhook  request stripe:evt_1NG8Du2eZvKYlo2CUI79
              payload  amount: 121
              ✓  send_receipt    done    1 attempt   12 ms
              ✗  charge_loyalty  failed  2 attempts  1.5 s
                 ValueError: no card of [hidden]: \\x1b[31mtry again try again try again try again try again try again
                 try again try again try again try again try again try again try again try again try again try again try
                 again try again try again try again try again try again try again try again try again try again try
                 again try again try again try again try again try again tr… (638 characters)
              ○  tell_warehouse  owed

Sunday 2026-03-29 CET
 !  00:01:02  violation  paid -> shipped
              the state went from 'paid' to 'shipped' without an event

 3  00:01:07  ship    paid -> shipped
              by       hook:pack
              payload  contact: [hidden]  note: [bold]x[/bold]
              changes  carrier: DHL

3 events; effects: 1 done, 1 failed, 1 owed; 1 violation
"""


@pytest.mark.usefixtures("lived")
@pytest.mark.parametrize(("columns", "expected"), [(80, AT_80), (120, AT_120)])
def test_a_history_reads_well_at_both_widths(run, columns, expected):
    assert run("history", "order", "42", columns=columns).stdout == expected


@pytest.mark.usefixtures("lived")
def test_a_history_in_colour_says_the_same_words(run):
    coloured = run("history", "order", "42", columns=80, colour=True).stdout

    assert "\x1b[32m✓" in coloured
    assert "\x1b[1;31m✗" in coloured
    assert "\x1b[33m○" in coloured
    assert "\x1b[1;31mviolation" in coloured
    assert "\x1b[31mValueError: no card" in coloured


@pytest.mark.usefixtures("lived")
def test_a_narrow_terminal_loses_no_state_and_no_outcome(run):
    lines = run("history", "order", "42", columns=60).stdout.splitlines()

    assert max(map(len, lines)) <= 60
    text = "\n".join(lines)
    for word in ("placed -> paid", "send_receipt", "done", "failed", "owed", "violation"):
        assert word in text


@pytest.mark.usefixtures("lived")
def test_sensitive_values_are_shown_only_on_demand(run):
    assert "a@b.c" not in run("history", "order", "42").output
    assert "a@b.c" not in run("history", "order", "42", "--json").output
    assert "email: a@b.c" in run("history", "order", "42", "--reveal").output
    revealed = json.loads(run("history", "order", "42", "--reveal", "--json").stdout)
    assert revealed["events"][0]["changes"]["email"] == "a@b.c"


@pytest.mark.usefixtures("lived")
def test_a_limit_shows_the_latest_events_and_says_what_is_left_out(run):
    lines = run("history", "order", "42", "--limit", "1").stdout.splitlines()

    assert lines[2] == "2 earlier events not shown"
    assert [line for line in lines if " -> " in line] == [" 3  00:01:07  ship  paid -> shipped"]


@pytest.mark.usefixtures("lived")
def test_the_json_of_a_history_is_one_exact_document(run):
    told = json.loads(run("history", "order", "42", "--json").stdout, parse_float=Decimal)

    assert (told["kind"], told["id"], told["state"], told["version"], told["earlier"]) == (
        "order",
        "42",
        "shipped",
        3,
        0,
    )
    first, second, third = told["events"]
    assert first["changes"]["total"] == Decimal("120.5")
    assert first["changes"]["lines"] == [{"sku": "A-1", "price": Decimal("60.25")}]
    assert (first["from"], first["to"], first["at"]) == (None, "placed", "2026-03-28T22:59:58Z")
    assert second["request_id"] == "stripe:evt_1NG8Du2eZvKYlo2CUI79"
    assert [(e["hook"], e["outcome"], e["attempts"], e["took_ms"]) for e in second["effects"]] == [
        ("send_receipt", "done", 1, 12),
        ("charge_loyalty", "failed", 2, 1500),
        ("tell_warehouse", "owed", 0, None),
    ]
    assert third["effects"] == []
    assert told["violations"][0]["reason"].endswith("without an event")


def test_an_effect_that_nobody_began_yet_is_owed(run, flow):
    flow.create("order", "42", {"email": "e", "total": 1})
    flow.fire("order", "42", "pay", {"amount": 1})

    lines = run("history", "order", "42").stdout.splitlines()

    assert [line.split() for line in lines if "owed" in line and "○" in line] == [
        ["○", "send_receipt", "owed"],
        ["○", "charge_loyalty", "owed"],
        ["○", "tell_warehouse", "owed"],
    ]


def test_the_history_of_an_entity_removed_by_hand_is_still_told(run, flow, clock):
    flow.create("order", "42", {"email": "e", "total": 1})
    flow.runtime.store._entities.clear()

    result = run("history", "order", "42")

    assert result.stdout.startswith("order 42  there is no such entity any more; its history remains\n\nSaturday")
    assert result.exit_code == 0


def test_a_limit_holds_for_an_entity_removed_by_hand_too(run, flow):
    flow.create("order", "42", {"email": "e", "total": 1})
    flow.fire("order", "42", "pay", {"amount": 1})
    flow.runtime.store._entities.clear()

    told = json.loads(run("history", "order", "42", "--limit", "1", "--json").stdout)

    assert (told["state"], told["earlier"], [event["version"] for event in told["events"]]) == (None, 1, [2])


def test_an_entity_that_never_was_has_no_history(run):
    result = run("history", "order", "42")

    assert (result.stderr, result.exit_code) == ("Error: there is no order 42\n", 1)


def test_a_very_long_value_is_cut_and_its_length_told(run, flow):
    flow.create("order", "42", {"email": "e", "total": 1, "code": "x" * 300_000})

    text = run("history", "order", "42", columns=80).stdout

    assert "(300,000 characters)" in text
    assert len(text) < 1500


def test_a_day_is_named_once_and_in_its_own_time_zone(run, flow, clock):
    flow.create("order", "42", {"email": "e", "total": 1})
    clock.moment += timedelta(hours=12)
    flow.fire("order", "42", "pay", {"amount": 1})
    flow.fire("order", "42", "ship")

    lines = run("history", "order", "42").stdout.splitlines()

    assert [line for line in lines if "2026" in line and "since" not in line] == [
        "Saturday 2026-03-28 CET",
        "Sunday 2026-03-29 CEST",
    ]
    assert " 2  12:59:58  pay     placed -> paid" in lines
