"""What is counted of a kind, with exact values of histories made by hand."""

from __future__ import annotations

from datetime import timedelta

from tests.histories import NOON, entry, history
from tests.samples import ORDER, definitions
from workflow.runtime.analytics.histories import History
from workflow.runtime.analytics.stats import Counting, HookStats, StateStats, Stats, Way
from workflow.runtime.ledger_entry import Attempt, Outcome

NOW = NOON + timedelta(hours=1)
HOUR = 3600.0


def counted(*histories: History, **asked: object) -> Stats:
    counting = Counting(definitions(ORDER), "order", NOW, **asked)  # type: ignore[arg-type]
    for one in histories:
        counting.add(one)
    return counting.stats()


SHOP = (
    history("1", (0, "create", "placed"), (10, "pay", "paid"), (110, "ship", "shipped")),
    history("2", (0, "create", "placed"), (20, "pay", "paid"), (25, "annotate", "paid"), (320, "ship", "shipped")),
    history("3", (0, "create", "placed"), (30, "pay", "paid"), (70, "cancel", "cancelled")),
    history("4", (600, "create", "placed"), (640, "pay", "paid")),
    history("5", (1800, "create", "placed")),
)


def test_how_far_they_came_and_how_long_they_stayed():
    found = counted(*SHOP)
    assert found.states == [
        StateStats("placed", 5, 4, 20.0, 40.0, 40.0, 40.0, there=1, longest_there=1800.0),
        # 40, 100 and 300 seconds; the note that was made meanwhile ended no stay.
        StateStats("paid", 4, 3, 100.0, 300.0, 300.0, 300.0, there=1, longest_there=HOUR - 640),
        StateStats("shipped", 2, there=2, longest_there=HOUR - 110),
        StateStats("cancelled", 1, there=1, longest_there=HOUR - 70, is_final=True),
    ]
    assert [found.share(state) for state in found.states] == [1.0, 0.8, 0.4, 0.2]
    assert (found.entities, found.transitions) == (5, 13)


def test_transitions_by_trigger_the_most_frequent_first():
    assert counted(*SHOP).ways == [
        (Way("create", "", "placed"), 5),
        (Way("pay", "placed", "paid"), 4),
        (Way("ship", "paid", "shipped"), 2),
        (Way("annotate", "paid", "paid"), 1),
        (Way("cancel", "paid", "cancelled"), 1),
    ]


def test_who_came_twice_reached_a_state_once():
    steps = [(0, "create", "placed"), (1, "pay", "paid"), (2, "back", "placed"), (5, "pay", "paid")]
    placed, paid, *_ = counted(history("1", *steps)).states
    assert (placed.reached, placed.left, placed.p50, placed.longest) == (1, 2, 1.0, 3.0)
    assert (paid.reached, paid.left, paid.there, paid.longest_there) == (1, 1, 1, HOUR - 5)


def test_only_those_created_in_time_count_with_all_that_happened_to_them():
    ten_minutes, half_an_hour = NOON + timedelta(minutes=10), NOON + timedelta(minutes=30)
    assert counted(*SHOP, since=ten_minutes).entities == 2
    assert counted(*SHOP, until=ten_minutes).entities == 3
    found = counted(*SHOP, since=ten_minutes, until=half_an_hour)
    assert (found.entities, found.transitions, found.since, found.until) == (1, 2, ten_minutes, half_an_hour)


def test_other_kinds_do_not_count():
    assert counted(history("1", (0, "create", "placed"), kind="job")).entities == 0


def test_a_state_that_the_definition_does_not_know_is_counted_too():
    found = counted(history("1", (0, "create", "placed"), (5, "lose", "lost")))
    assert found.states[-1] == StateStats("lost", 1, there=1, longest_there=HOUR - 5)


def test_of_nothing_there_is_nothing_but_the_declared_states():
    found = counted()
    assert found.states == [
        *map(StateStats, ("placed", "paid", "shipped")),
        StateStats("cancelled", is_final=True),
    ]
    assert (found.entities, found.ways, found.hooks, found.share(found.states[0])) == (0, [], [], 0.0)


def test_what_became_of_effects_by_hook():
    late = NOON + timedelta(seconds=9)
    failed = tuple(Attempt(NOON, took_ms, "no") for took_ms in (40, 50))
    entries = [
        entry(1, mail=Outcome("done", 1, late, 10), push=Outcome("done", 3, late, 30, earlier=failed)),
        entry(2, mail=Outcome("caught", 2, late, 20, "no", earlier=failed[:1])),
        entry(3, mail=Outcome("skipped", 1, late, 60, "no"), push=Outcome("skipped", at=late)),
        entry(4, parked="push", push=Outcome("parked", 3, late, 5, "no", earlier=failed[:1]), mail=Outcome()),
        entry(5, parked="", mail=Outcome("unknown", 1), push=Outcome()),
    ]
    found = counted(history("1", (0, "create", "placed"), entries=entries))
    assert found.hooks == [
        # Of mail: 10; 20 and 40; 60; and a run that was cut off. Put aside is whoever holds up the others.
        HookStats("mail", effects=5, runs=5, failed=4, parked=1, caught=1, skipped=1, p50_ms=20.0),
        HookStats("push", effects=4, runs=6, failed=5, parked=1, skipped=1, p50_ms=40.0),
    ]


def test_of_an_archive_hooks_are_not_known():
    assert counted(history("1", (0, "create", "placed"), entries=None)).hooks is None
