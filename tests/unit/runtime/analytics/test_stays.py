"""How long an entity was in each state."""

from __future__ import annotations

from datetime import timedelta

from tests.histories import NOON, history
from workflow.runtime.analytics.stays import Stay, stays


def at(seconds: float) -> object:
    return NOON + timedelta(seconds=seconds)


def test_each_change_of_state_ends_one_stay_and_begins_another():
    found = stays(history("1", (0, "create", "placed"), (5, "pay", "paid"), (9, "ship", "shipped")).events)
    assert found == [Stay("placed", at(0), at(5)), Stay("paid", at(5), at(9)), Stay("shipped", at(9), None)]


def test_a_trigger_that_leads_back_where_it_came_from_ends_no_stay():
    found = stays(history("1", (0, "create", "placed"), (5, "annotate", "placed"), (9, "pay", "paid")).events)
    assert found == [Stay("placed", at(0), at(9)), Stay("paid", at(9))]


def test_a_state_that_is_entered_twice_is_two_stays():
    steps = [(0, "create", "pending"), (1, "start", "active"), (3, "retry", "pending"), (7, "start", "active")]
    found = stays(history("1", *steps).events)
    assert [(stay.state, stay.seconds(at(10))) for stay in found] == [
        ("pending", 1.0),
        ("active", 2.0),
        ("pending", 4.0),
        ("active", 3.0),
    ]


def test_a_stay_that_another_clock_ended_before_it_began_lasted_no_time():
    placed, _ = stays(history("1", (5, "create", "placed"), (4.9, "pay", "paid")).events)
    assert placed.seconds(at(10)) == 0.0
