"""Events of a definition version that is not deployed here are put aside and go on once it is (promises 4, 5 and 7)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.fakes.ledgers import Crash
from tests.samples import ORDER
from tests.unit.runtime.delivery import HOOKED, Bench
from workflow.definition.definition import Transition
from workflow.runtime.changes import Change
from workflow.runtime.ledger_entry import RELEASED, LedgerEntry, Parked

NEWER = replace(HOOKED, version=2, transitions=(*HOOKED.transitions, Transition("rush", "paid", "shipped")))
WITHOUT_PAY = replace(HOOKED, version=3, transitions=tuple(t for t in HOOKED.transitions if t.trigger != "pay"))


def _rushed(bench: Bench) -> Change:
    """An order that was delivered up to version 2, and made version 3 by a definition that is not here any more."""
    bench.only_paid()
    bench.deliver()
    bench.notes.forget()
    bench.deploy(NEWER)
    bench.flow.fire("order", "42", "rush")
    bench.deploy(HOOKED)
    return bench.store.changes()[2]


def test_a_change_of_a_definition_that_is_not_deployed_is_put_aside(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    rushed = _rushed(bench)
    for _ in range(2):
        delivered = bench.deliver(rushed)
        assert (delivered.failed, delivered.violations, delivered.waiting) == ([], 0, 1)
    now = bench.clock.now()
    error = (
        "order 42 version 3: version 2 of the definition of 'order' is not deployed here; deploy it, beside the one in "
        "force if need be"
    )
    parked = Parked("", "definition", now, now + timedelta(minutes=1), error)
    assert bench.entry(3) == LedgerEntry("order", "42", 3, RELEASED, now, {}, parked)
    assert not bench.entry(3).settled
    assert error in caplog.text
    assert bench.notes.ran == []


def test_it_goes_on_with_a_sweep_once_its_definition_is_deployed(bench: Bench) -> None:
    bench.deliver(_rushed(bench))
    assert bench.sweep(after=60).effects_done == 0
    assert bench.waiting_for() == [(3, "", "definition")]
    bench.deploy(HOOKED, NEWER)
    assert bench.sweep(after=60).effects_done == 1
    assert bench.notes.ran == [("42", 3, "notify", 1)]
    assert bench.waiting_for() == []
    assert bench.sweep(after=60).effects_done == 0


def test_it_goes_on_although_it_turns_out_to_owe_nothing(bench: Bench) -> None:
    bench.deliver(_rushed(bench))
    nothing_owed = replace(ORDER, version=2, transitions=NEWER.transitions)
    bench.deploy(HOOKED, nothing_owed)
    bench.sweep(after=60)
    assert bench.waiting_for() == []
    assert bench.entry(3).settled
    assert bench.notes.ran == []


def test_later_changes_wait_behind_it_and_run_after_it(bench: Bench) -> None:
    rushable = replace(NEWER, transitions=(*NEWER.transitions, Transition("return", "shipped", "paid")))
    bench.deploy(HOOKED, rushable)
    _, rushed = _rushed(bench), bench.store.changes()[2]
    bench.deploy(rushable)
    bench.flow.fire("order", "42", "return")
    bench.deploy(HOOKED)
    returned = bench.store.changes()[3]
    assert bench.deliver(rushed, returned).waiting == 2
    assert bench.deliver(returned).waiting == 1
    bench.deploy(HOOKED, rushable)
    bench.sweep(after=60)
    assert bench.notes.ran == [("42", 3, "notify", 1), ("42", 4, "receipt", 1), ("42", 4, "loyalty", 1)]


def test_a_change_that_was_delivered_before_its_definition_went_holds_nothing_up(bench: Bench) -> None:
    paid = bench.only_paid()
    bench.deliver(paid)
    bench.deploy(WITHOUT_PAY)
    bench.flow.fire("order", "42", "ship")
    bench.notes.forget()
    shipped = bench.store.changes()[2]
    delivered = bench.deliver(paid, shipped)
    assert (delivered.failed, delivered.waiting, delivered.effects_done) == ([], 0, 1)
    assert bench.notes.ran == [("42", 3, "notify", 1)]


def test_a_change_that_was_cut_off_before_its_definition_went_is_put_aside_as_it_stands() -> None:
    bench = Bench(workers=1)
    paid = bench.only_paid()
    bench.store.ledger.faults = ["ok", "ok", "crash before"]
    with pytest.raises(Crash):
        bench.deliver(paid)
    bench.deploy(WITHOUT_PAY)
    assert bench.deliver(paid).failed == [paid]
    bench.clock.advance(65)
    assert bench.deliver(paid).failed == []
    assert bench.waiting_for() == [(2, "", "definition")]
    bench.deploy(HOOKED, WITHOUT_PAY)
    bench.sweep(after=60)
    assert bench.statuses()[1:] == [(2, "receipt", "done", 1), (2, "loyalty", "done", 2)]


def test_of_a_jump_over_several_versions_what_is_deployed_runs_and_the_rest_waits(bench: Bench) -> None:
    placed = bench.only_paid()
    bench.deploy(NEWER)
    bench.flow.fire("order", "42", "rush")
    bench.deploy(HOOKED)
    first, _, last = bench.store.changes()
    assert placed.version == 2
    jump = last._replace(
        before_version=1, source="placed", snapshots=_Joined(first, last), follows=first.snapshots.after().owing
    )
    delivered = bench.deliver(jump)
    assert (delivered.failed, delivered.effects_done, delivered.waiting) == ([], 2, 1)
    assert bench.notes.ran == [("42", 2, "receipt", 1), ("42", 2, "loyalty", 1)]
    assert bench.waiting_for() == [(3, "", "definition")]
    bench.deploy(HOOKED, NEWER)
    bench.sweep(after=60)
    assert bench.notes.ran[2:] == [("42", 3, "notify", 1)]


class _Joined:
    """OLD of one change and NEW of a later one."""

    event = None

    def __init__(self, first: Change, last: Change) -> None:
        self.before, self.after = first.snapshots.after, last.snapshots.after


def test_an_event_of_a_version_that_was_not_kept_is_judged_by_the_one_in_force(bench: Bench) -> None:
    paid = bench.only_paid()
    bench.deploy(replace(HOOKED, version=3))
    assert bench.deliver(paid).effects_done == 2
    assert bench.waiting_for() == []


def test_an_event_of_a_version_that_was_not_kept_waits_if_the_one_in_force_lacks_its_transition(bench: Bench) -> None:
    paid = bench.only_paid()
    bench.deploy(WITHOUT_PAY)
    assert bench.deliver(paid).failed == []
    assert bench.flow.violations("order", "42") == []
    assert bench.waiting_for() == [(2, "", "definition")]
    assert bench.notes.ran == []


def test_an_event_whose_transition_was_edited_away_under_the_same_version_waits_and_is_no_violation(
    bench: Bench,
) -> None:
    changes = bench.paid()
    bench.deploy(replace(WITHOUT_PAY, version=1))
    delivered = bench.deliver(*changes)
    assert (delivered.failed, delivered.violations) == ([], 0)
    assert bench.waiting_for() == [(2, "", "definition")]
    bench.deploy(HOOKED)
    bench.sweep(after=60)
    assert bench.notes.keys == ["order#42#1#greet", "order#42#2#receipt", "order#42#2#loyalty"]


def test_an_event_never_runs_hooks_that_it_did_not_owe_when_it_was_made(bench: Bench) -> None:
    bench.deploy(ORDER)
    changes = bench.paid()
    bench.deploy(replace(HOOKED, version=2))
    delivered = bench.deliver(*changes)
    assert (delivered.failed, delivered.violations, delivered.effects_done) == ([], 0, 0)
    assert (bench.notes.ran, bench.statuses()) == ([], [])
    bench.flow.fire("order", "42", "ship")
    assert bench.deliver().effects_done == 1
    assert bench.notes.keys == ["order#42#3#notify"]
