"""An entity whose history cannot be read waits for a person where it breaks off, and others go on (promises 4 to 6)."""

from __future__ import annotations

from tests.unit.runtime.delivery import Bench
from workflow.engine.events import Event
from workflow.runtime.changes import Change, Copies
from workflow.runtime.ledger_entry import Parked


def _shipped(bench: Bench) -> list[Change]:
    """An order with the versions placed, paid, annotated and shipped, each of which owes effects."""
    bench.paid()
    bench.flow.fire("order", "42", "annotate")
    bench.flow.fire("order", "42", "ship")
    return list(bench.store.changes())


SHIPPED = [(2, "receipt"), (2, "loyalty"), (3, "receipt"), (3, "loyalty"), (4, "notify")]


def _ran(bench: Bench) -> list[tuple[int, str]]:
    return [(version, hook) for _, version, hook, _ in bench.notes.ran]


def _repaired(bench: Bench, event: Event) -> None:
    """Somebody puts the event back and redrives the entity."""
    bench.store._events["order", "42"][event.version] = event
    bench.flow.operations.redrive("order", "42")
    bench.sweep()


def test_an_entity_is_put_aside_where_its_history_breaks_off_and_goes_on_there_once_it_is_whole(bench: Bench) -> None:
    placed, _, annotated, shipped = _shipped(bench)
    bench.deliver(placed)
    bench.notes.forget()
    event = bench.store._events["order", "42"].pop(3)
    delivered = bench.deliver(shipped)
    assert (delivered.failed, delivered.waiting, delivered.for_people) == ([], 1, {("order", ""): 1})
    assert bench.waiting_for() == [(3, "", "broken")]
    assert bench.deliver(annotated).waiting == 0
    assert _ran(bench) == SHIPPED[:2]
    _repaired(bench, event)
    assert _ran(bench) == SHIPPED
    assert bench.waiting_for() == []


def test_a_history_that_breaks_before_what_is_settled_lets_nothing_overtake_what_was_lost(bench: Bench) -> None:
    placed, paid, _, shipped = _shipped(bench)
    bench.deliver(placed, paid)
    event = bench.store._events["order", "42"].pop(2)
    delivered = bench.deliver(shipped)
    assert (delivered.failed, delivered.waiting, delivered.effects_done) == ([], 1, 0)
    assert bench.waiting_for() == [(3, "", "broken")]
    _repaired(bench, event)
    assert _ran(bench) == [(1, "greet"), *SHIPPED]


def test_a_history_that_ends_before_what_came_before_lets_nothing_overtake_what_was_lost(bench: Bench) -> None:
    placed, paid, _, shipped = _shipped(bench)
    bench.deliver(placed, paid)
    last = bench.store._events["order", "42"].pop(4)
    event = bench.store._events["order", "42"].pop(3)
    delivered = bench.deliver(shipped)
    assert (delivered.failed, delivered.waiting, delivered.effects_done) == ([], 1, 0)
    parked = bench.entry(3).parked
    assert parked == Parked("", "broken", bench.clock.now(), None, "order 42: its history has no event 3")
    bench.store._events["order", "42"][4] = last
    _repaired(bench, event)
    assert _ran(bench) == [(1, "greet"), *SHIPPED]


def _over_a_gap(first: Change, last: Change) -> Change:
    """One change over all versions after the first, as a stream that lost what was between would bring it."""
    return last._replace(
        before_version=first.version,
        source=first.target,
        follows=first.snapshots.after().owing,
        snapshots=Copies(first.snapshots.after(), last.snapshots.after()),
    )


DAMAGE = "order 42: event 3 was changed by hand"


def test_behind_a_damaged_event_of_a_gap_an_entity_waits_for_a_person_and_nobody_else_for_it(bench: Bench) -> None:
    placed, _, _, shipped = _shipped(bench)
    bench.deliver(placed)
    other = bench.only_paid("other")
    bench.store.damaged.add(("order", "42", 3))
    gap = _over_a_gap(placed, shipped)
    delivered = bench.deliver(gap, other)
    assert (delivered.failed, delivered.waiting, delivered.for_people) == ([], 1, {("order", ""): 1})
    assert bench.waiting_for() == [(3, "", "broken")]
    assert _ran(bench) == [*SHIPPED[:2], *SHIPPED[:2]]
    assert bench.entry(3).parked == Parked("", "broken", bench.clock.now(), None, DAMAGE)
    assert [found.reason for found in bench.flow.violations("order", "42")] == [f"its history cannot be read: {DAMAGE}"]
    assert (bench.deliver(gap).failed, len(bench.flow.violations("order", "42"))) == ([], 1)
    bench.notes.forget()
    bench.store.damaged.clear()
    bench.flow.operations.redrive("order", "42")
    bench.sweep()
    assert (_ran(bench), bench.waiting_for()) == (SHIPPED[2:], [])


def test_what_is_owed_before_a_damaged_event_that_owes_nothing_runs_and_what_follows_it_waits(bench: Bench) -> None:
    placed, _ = bench.paid()
    bench.flow.fire("order", "42", "cancel")
    bench.deliver(placed)
    bench.notes.forget()
    bench.store.damaged.add(("order", "42", 3))
    delivered = bench.deliver(_over_a_gap(placed, bench.store.changes()[-1]))
    assert (delivered.failed, delivered.violations, _ran(bench)) == ([], 1, SHIPPED[:2])
    assert bench.waiting_for() == [(3, "", "broken")]


def test_a_damaged_event_behind_which_nothing_is_owed_is_told_and_nobody_waits_for_it(bench: Bench) -> None:
    bench.deliver(bench.only_paid())
    bench.flow.fire("order", "42", "cancel")
    bench.store.damaged.add(("order", "42", 3))
    delivered = bench.deliver(bench.store.changes()[-1]._replace(trigger="unheard of"))
    assert (delivered.failed, delivered.violations, delivered.waiting, bench.waiting_for()) == ([], 1, 0, [])


def test_of_a_damaged_event_that_was_mended_meanwhile_its_own_effects_run(bench: Bench) -> None:
    paid = bench.only_paid()
    delivered = bench.deliver(paid._replace(broken=DAMAGE, follows=paid.version))
    assert (delivered.failed, delivered.violations, _ran(bench)) == ([], 1, SHIPPED[:2])


def test_an_undeclared_step_whose_event_is_damaged_is_told_once_and_waits_for_a_person(bench: Bench) -> None:
    placed, paid = bench.paid()
    bench.deliver(placed)
    bench.notes.forget()
    bench.store.damaged.add(("order", "42", 2))
    delivered = bench.deliver(paid._replace(trigger="unheard of"))
    assert (delivered.failed, delivered.violations, bench.waiting_for()) == ([], 1, [(2, "", "broken")])
    assert bench.notes.ran == []
