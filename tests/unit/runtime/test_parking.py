"""An entity whose effect fails is put aside: others go on, its own later effects wait (promises 4, 5 and 6)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.fakes.hooks import raising
from tests.fakes.ledgers import LedgerFault
from tests.unit.runtime.delivery import Bench
from workflow import Effect
from workflow.engine.entity import Entity
from workflow.errors import StoreAccessError, TransitionError
from workflow.runtime.ledger_entry import OWED, RELEASED, Attempt, LedgerEntry, Outcome, Parked
from workflow.runtime.ports import Pause

OUT_OF_ORDER = ValueError("no printer")
TOLD = "ValueError: no printer"


def test_an_entity_is_put_aside_with_all_that_a_person_may_ask(bench: Bench) -> None:
    paid = bench.only_paid()
    bench.notes.failing["receipt"] = raising(OUT_OF_ORDER)
    delivered = bench.deliver(paid)
    assert (delivered.failed, delivered.effects_failed, delivered.put_aside, delivered.waiting) == ([], 1, 1, 0)
    assert delivered.for_people == {}
    now = bench.clock.now()
    outcomes = {"receipt": Outcome("failed", 1, now, 0, TOLD), "loyalty": OWED}
    parked = Parked("receipt", "retry", now, now + timedelta(seconds=30), TOLD)
    assert bench.entry() == LedgerEntry("order", "42", 2, RELEASED, now, outcomes, parked)


def test_each_wait_is_longer_and_the_last_attempt_leaves_it_to_a_person(bench: Bench) -> None:
    bench.notes.failing["receipt"] = raising(OUT_OF_ORDER)
    bench.deliver(bench.only_paid())
    beginning = bench.clock.now()
    for attempt, wait in ((2, 30), (3, 60)):
        assert bench.sweep(after=wait - 0.001).effects_failed == 0
        assert bench.sweep(after=0.001).put_aside == 1
        assert bench.entry().outcomes["receipt"].attempts == attempt
    assert bench.sweep(after=120).for_people == {("order", "receipt"): 1}
    now = bench.clock.now()
    receipt = bench.entry().outcomes["receipt"]
    ends = [beginning + timedelta(seconds=seconds) for seconds in (0, 30, 90)]
    assert receipt == Outcome("parked", 4, now, 0, TOLD, receipt.trace, tuple(Attempt(end, 0, TOLD) for end in ends))
    assert receipt.trace.endswith(TOLD)
    assert bench.entry().parked == Parked("receipt", "attempts", beginning, None, TOLD)
    bench.notes.forget()
    assert bench.sweep(after=10**6).effects_failed == 0
    assert bench.notes.ran == []


def test_the_other_effects_of_a_batch_go_on_and_later_ones_of_the_entity_wait(bench: Bench) -> None:
    bench.notes.failing["receipt"] = lambda effect: 1 / int(effect.id != "a")
    for entity_id in ("a", "b"):
        bench.paid(entity_id)
        bench.flow.fire("order", entity_id, "ship")
    delivered = bench.deliver()
    assert (delivered.failed, delivered.put_aside, delivered.waiting) == ([], 1, 1)
    assert bench.statuses("a") == [(1, "greet", "done", 1), (2, "receipt", "failed", 1), (2, "loyalty", "owed", 0)]
    assert [status for _, _, status, _ in bench.statuses("b")] == ["done"] * 4


def test_what_comes_with_a_later_batch_waits_as_well(bench: Bench) -> None:
    bench.notes.failing["receipt"] = raising(OUT_OF_ORDER)
    bench.deliver(bench.only_paid())
    bench.notes.forget()
    for trigger in ("annotate", "ship"):
        bench.flow.fire("order", "42", trigger)
        delivered = bench.deliver(bench.store.changes()[-1])
        assert (delivered.failed, delivered.waiting, delivered.effects_done) == ([], 1, 0)
    assert bench.notes.ran == []
    assert [version for version, *_ in bench.statuses()] == [1, 2, 2]


def test_a_change_that_comes_again_while_its_entity_is_put_aside_is_left_there(bench: Bench) -> None:
    bench.notes.failing["receipt"] = raising(OUT_OF_ORDER)
    paid = bench.only_paid()
    bench.deliver(paid)
    before = bench.entry()
    bench.clock.advance(1000)
    assert bench.deliver(paid).failed == []
    assert bench.entry() == before
    assert len(bench.notes.ran) == 1


def test_a_change_that_owes_nothing_waits_for_nobody(bench: Bench) -> None:
    bench.notes.failing["receipt"] = raising(OUT_OF_ORDER)
    bench.deliver(bench.only_paid())
    bench.flow.fire("order", "42", "cancel")
    delivered = bench.deliver(bench.store.changes()[-1])
    assert (delivered.failed, delivered.waiting) == ([], 0)


@pytest.mark.parametrize("fault", ["throttle", "lost request", "lost answer"])
def test_putting_aside_survives_a_ledger_that_fails_for_a_moment(bench: Bench, fault: LedgerFault) -> None:
    paid = bench.only_paid()
    bench.notes.failing["receipt"] = raising(OUT_OF_ORDER)
    bench.store.ledger.faults = ["ok", fault]
    delivered = bench.deliver(paid)
    assert (delivered.failed, delivered.put_aside) == ([], 1)
    assert bench.waiting_for() == [(2, "receipt", "retry")]


def test_a_hook_that_is_refused_is_not_tried_again_and_waits_for_a_person(bench: Bench) -> None:
    bench.notes.failing["receipt"] = raising(TransitionError("no way from here"))
    delivered = bench.deliver(bench.only_paid())
    assert (delivered.put_aside, delivered.for_people) == (0, {("order", "receipt"): 1})
    parked = bench.entry().parked
    assert parked == Parked("receipt", "refused", bench.clock.now(), None, "TransitionError: no way from here")
    assert len(bench.notes.ran) == 1


def _pause(bench: Bench, hook: str) -> None:
    bench.store.ledger.pause(Pause(hook, bench.clock.now(), "the printer is mended", "ada"))


def test_a_paused_hook_waits_with_all_behind_it_and_counts_no_attempt(bench: Bench) -> None:
    _pause(bench, "loyalty")
    bench.paid()
    bench.flow.fire("order", "42", "ship")
    delivered = bench.deliver()
    assert (delivered.failed, delivered.put_aside, delivered.waiting, delivered.effects_failed) == ([], 1, 1, 0)
    now = bench.clock.now()
    assert bench.entry().parked == Parked(
        "loyalty", "paused", now, now + timedelta(minutes=10), "the printer is mended"
    )
    assert bench.statuses()[1:] == [(2, "receipt", "done", 1), (2, "loyalty", "owed", 0)]
    bench.sweep(after=600)
    assert bench.waiting_for() == [(2, "loyalty", "paused")]
    bench.store.ledger.resume("loyalty")
    assert bench.sweep(after=600).effects_done == 2
    assert bench.statuses()[1:] == [(2, "receipt", "done", 1), (2, "loyalty", "done", 1), (3, "notify", "done", 1)]


def test_a_pause_is_known_to_a_running_process_within_ten_seconds(bench: Bench) -> None:
    bench.deliver(bench.only_paid("41"))
    _pause(bench, "receipt")
    assert bench.deliver(bench.only_paid("42")).put_aside == 0
    bench.clock.advance(10)
    assert bench.deliver(bench.only_paid("43")).put_aside == 1


def test_a_predecessor_that_the_stream_lost_runs_first(bench: Bench) -> None:
    bench.paid()
    bench.flow.fire("order", "42", "annotate")
    bench.flow.fire("order", "42", "ship")
    placed, _, _, shipped = bench.store.changes()
    bench.deliver(placed)
    assert bench.deliver(shipped).failed == []
    assert [run[1:3] for run in bench.notes.ran] == [
        (1, "greet"),
        *((version, hook) for version in (2, 3) for hook in ("receipt", "loyalty")),
        (4, "notify"),
    ]


def test_a_lost_predecessor_that_fails_keeps_what_follows_waiting(bench: Bench) -> None:
    _, paid = bench.paid()
    bench.notes.failing["greet"] = raising(OUT_OF_ORDER)
    delivered = bench.deliver(paid)
    assert (delivered.failed, delivered.put_aside, delivered.waiting) == ([], 1, 1)
    assert bench.waiting_for() == [(1, "greet", "retry")]
    bench.notes.failing.clear()
    bench.sweep(after=30)
    assert [run[1:3] for run in bench.notes.ran[1:]] == [(1, "greet"), (2, "receipt"), (2, "loyalty")]


def test_behind_a_predecessor_that_a_live_owner_runs_a_change_comes_again(bench: Bench) -> None:
    _, paid = bench.paid()
    lease_until = bench.clock.now() + timedelta(seconds=60)
    bench.store.ledger.put(LedgerEntry("order", "42", 1, "alive", lease_until, {"greet": OWED}), None)
    assert bench.deliver(paid).failed == [paid]
    assert bench.notes.ran == []
    bench.store.ledger.put(bench.entry(1).with_outcome("greet", Outcome("done", 1, bench.clock.now())), bench.entry(1))
    assert bench.deliver(paid).failed == []
    assert bench.notes.keys == ["order#42#2#receipt", "order#42#2#loyalty"]


def test_behind_a_predecessor_that_no_history_tells_of_a_change_waits_for_a_person(bench: Bench) -> None:
    _, paid = bench.paid()
    other = bench.only_paid("other")
    del bench.store._events["order", "42"][1]
    delivered = bench.deliver(paid, other)
    assert (delivered.failed, delivered.waiting, delivered.effects_done) == ([], 1, 2)
    parked = bench.entry(1).parked
    error = "order 42: event 2 from 'placed' does not follow version 0 in 'nothing'"
    assert parked == Parked("", "broken", bench.clock.now(), None, error)
    assert not bench.entry(1).settled


def test_an_entity_put_aside_is_told_by_its_owing_chain_without_a_read_of_its_history(bench: Bench) -> None:
    entity: Entity = bench.only_paid().snapshots.after()
    assert entity.owing == 2
    bench.flow.fire("order", "42", "cancel")
    assert bench.flow.get("order", "42").owing == 2
    assert [event.owing for event in bench.flow.history("order", "42")] == [1, 2, 2]


def test_while_nobody_knows_what_is_paused_nothing_runs_and_nothing_is_held(bench: Bench) -> None:
    paid = bench.paid()[0]
    bench.store.ledger.pauses_fail = True
    assert bench.deliver(paid).failed == [paid]
    assert bench.notes.ran == []
    assert bench.entry(1) == LedgerEntry("order", "42", 1, RELEASED, bench.clock.now(), {"greet": OWED})
    bench.store.ledger.pauses_fail = False
    assert bench.deliver(paid).effects_done == 1
    assert bench.statuses() == [(1, "greet", "done", 1)]


def test_while_nobody_knows_anew_what_is_paused_what_was_known_last_holds(bench: Bench) -> None:
    _pause(bench, "receipt")
    bench.deliver(bench.only_paid("41"))
    bench.store.ledger.resume("receipt")
    bench.store.ledger.pauses_fail = True
    bench.clock.advance(10)
    assert bench.deliver(bench.only_paid("42")).put_aside == 1
    assert bench.notes.ran == []
    bench.store.ledger.pauses_fail = False
    assert bench.deliver(bench.only_paid("43")).put_aside == 0


def test_a_sweep_that_does_not_know_what_is_paused_runs_nothing_and_the_next_one_does(bench: Bench) -> None:
    bench.notes.failing["receipt"] = raising(OUT_OF_ORDER)
    bench.deliver(bench.only_paid())
    bench.notes.failing.clear()
    bench.notes.forget()
    bench.store.ledger.pauses_fail = True
    assert bench.sweep(after=30).effects_done == 0
    assert (bench.notes.ran, bench.entry().owner) == ([], RELEASED)
    bench.store.ledger.pauses_fail = False
    assert bench.sweep().effects_done == 2
    assert bench.statuses()[1] == (2, "receipt", "done", 2)


def test_a_pause_that_is_made_during_a_long_delivery_holds_its_later_effects_after_ten_seconds(bench: Bench) -> None:
    paid = bench.only_paid()

    def pausing(effect: Effect) -> None:
        _pause(bench, "loyalty")
        bench.clock.advance(10)

    bench.notes.failing["receipt"] = pausing
    assert bench.deliver(paid).put_aside == 1
    assert bench.waiting_for() == [(2, "loyalty", "paused")]
    assert bench.statuses()[1:] == [(2, "receipt", "done", 1), (2, "loyalty", "owed", 0)]


@pytest.mark.parametrize("paused", [True, False])
def test_nothing_is_begun_when_the_time_was_up_before_anybody_knew_what_is_paused(bench: Bench, paused: bool) -> None:
    paid = bench.only_paid()
    if paused:
        _pause(bench, "receipt")
    bench.clock.advance(10)
    bench.store.ledger.pauses_take = lambda: bench.clock.advance(100)
    assert bench.deliver(paid).failed == [paid]
    assert bench.notes.ran == []
    assert bench.entry() == LedgerEntry(
        "order", "42", 2, RELEASED, bench.clock.now(), {"receipt": OWED, "loyalty": OWED}
    )


def test_a_permission_that_a_hook_lacks_is_waited_for(bench: Bench) -> None:
    bench.notes.failing["receipt"] = raising(StoreAccessError("AccessDeniedException"))
    assert bench.deliver(bench.only_paid()).put_aside == 1
    assert bench.waiting_for() == [(2, "receipt", "retry")]
    bench.notes.failing.clear()
    assert bench.sweep(after=30).effects_done == 2
    assert bench.statuses()[1:] == [(2, "receipt", "done", 2), (2, "loyalty", "done", 1)]
