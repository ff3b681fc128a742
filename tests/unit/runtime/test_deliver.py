"""Every effect is committed once, in version order, and no entity is in another's way (promises 4, 5, 6)."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest

from tests.fakes.ledgers import Crash, LedgerFault
from tests.unit.runtime.delivery import Bench
from workflow import Effect
from workflow.runtime.ledger_entry import OWED, RELEASED, LedgerEntry

DONE = [(1, "greet", "done", 1), (2, "receipt", "done", 1), (2, "loyalty", "done", 1)]


def test_each_effect_runs_in_the_order_declared_and_is_committed(bench: Bench) -> None:
    bench.paid()
    delivered = bench.deliver()
    assert bench.notes.ran == [("42", 1, "greet", 1), ("42", 2, "receipt", 1), ("42", 2, "loyalty", 1)]
    assert bench.statuses() == DONE
    assert (delivered.failed, delivered.effects_done, delivered.effects_failed, delivered.violations) == ([], 3, 0, 0)


def test_an_effect_tells_its_hook_all_about_itself(bench: Bench) -> None:
    seen = []

    def look(effect: Effect) -> None:
        seen.append((effect.key, effect.kind, effect.id, effect.version, effect.hook, effect.attempt))
        seen.append((effect.event, effect.before, effect.entity))

    bench.notes.failing["loyalty"] = look
    bench.paid()
    before = bench.flow.get("order", "42")
    bench.flow.fire("order", "42", "annotate", {"note": "later"})
    bench.deliver(*bench.store.changes()[:2])
    event = bench.flow.history("order", "42")[1]
    assert seen[0] == ("order#42#2#loyalty", "order", "42", 2, "loyalty", 1)
    assert seen[1] == (event, seen[1][1], before)
    assert (seen[1][1].version, seen[1][1].state, seen[1][2].version) == (1, "placed", 2)


def test_what_was_delivered_is_not_run_again(bench: Bench) -> None:
    bench.paid()
    bench.deliver()
    bench.notes.forget()
    delivered = bench.deliver()
    assert bench.notes.ran == []
    assert (delivered.failed, delivered.effects_done) == ([], 0)
    assert bench.statuses() == DONE


def test_the_same_change_twice_in_one_batch_runs_once(bench: Bench) -> None:
    changes = bench.paid()
    assert bench.deliver(*changes, *changes).failed == []
    assert bench.statuses() == DONE
    assert len(bench.notes.ran) == 3


def test_where_nothing_is_owed_the_ledger_stays_empty(bench: Bench) -> None:
    bench.paid()
    bench.flow.fire("order", "42", "cancel")
    cancelled = bench.store.changes()[2]
    assert bench.deliver(cancelled).failed == []
    assert bench.statuses() == []


def test_two_failing_entities_do_not_delay_the_others(bench: Bench) -> None:
    bench.notes.failing["receipt"] = lambda effect: 1 / int(effect.id not in ("a", "c"))
    changes = [change for entity_id in "abcd" for change in bench.paid(entity_id)]
    delivered = bench.deliver(*changes)
    assert (delivered.failed, delivered.put_aside, delivered.effects_done) == ([], 2, 8)
    assert bench.waiting_for("a") == bench.waiting_for("c") == [(2, "receipt", "retry")]
    assert bench.statuses("b") == bench.statuses("d") == DONE
    assert bench.statuses("a") == [(1, "greet", "done", 1), (2, "receipt", "failed", 1), (2, "loyalty", "owed", 0)]


def test_different_entities_run_side_by_side() -> None:
    bench = Bench(workers=3)
    together = threading.Barrier(3, timeout=10)
    bench.notes.failing["greet"] = lambda effect: together.wait()
    for entity_id in "abc":
        bench.flow.create("order", entity_id)
    assert bench.deliver().failed == []


def test_one_entity_is_in_version_order_across_a_batch_with_16_workers() -> None:
    bench = Bench(workers=16)
    entities = [str(number) for number in range(40)]
    for entity_id in entities:
        bench.flow.create("order", entity_id)
    for _ in range(5):
        for entity_id in entities:
            bench.flow.fire("order", entity_id, "annotate", {"note": "x"})
    assert bench.deliver().failed == []
    for entity_id in entities:
        assert [run[1:] for run in bench.notes.ran if run[0] == entity_id] == [
            (version, "greet", 1) for version in range(1, 7)
        ]


def test_a_crash_between_run_and_commit_runs_the_effect_again_under_its_key() -> None:
    bench = Bench(workers=1)
    paid = bench.only_paid()
    bench.store.ledger.faults = ["ok", "crash before"]
    with pytest.raises(Crash):
        bench.deliver(paid)
    assert bench.deliver(paid).failed == [paid]
    assert bench.notes.ran == [("42", 2, "receipt", 1)]

    bench.clock.advance(65)
    assert bench.deliver(paid).failed == []
    assert bench.notes.ran[1:] == [("42", 2, "receipt", 2), ("42", 2, "loyalty", 1)]
    assert bench.statuses()[1:] == [(2, "receipt", "done", 2), (2, "loyalty", "done", 1)]


def test_a_lease_outlasts_the_invocation(bench: Bench) -> None:
    leases = []
    bench.notes.failing["greet"] = lambda effect: leases.extend(bench.flow.effects("order", effect.id))
    bench.flow.create("order", "42")
    now = bench.clock.now()
    bench.deliver()
    assert [entry.lease_until for entry in leases] == [now + timedelta(seconds=65)]


def test_an_effect_whose_lease_passed_on_is_not_committed(bench: Bench) -> None:
    def slow(effect: Effect) -> None:
        bench.clock.advance(100)
        bench.notes.failing.clear()
        assert Bench.deliver(bench, *bench.store.changes()).failed == []

    bench.notes.failing["greet"] = slow
    bench.flow.create("order", "42")
    delivered = bench.deliver()
    assert delivered.failed == list(bench.store.changes())
    assert (delivered.effects_done, bench.statuses()) == (0, [(1, "greet", "done", 2)])


def test_nothing_is_begun_when_the_time_of_a_delivery_is_nearly_up() -> None:
    bench = Bench(workers=1)
    bench.notes.failing["receipt"] = lambda effect: bench.clock.advance(58)
    paid, other = bench.only_paid(), bench.only_paid("43")
    delivered = bench.deliver(paid, other)
    assert delivered.failed == [paid, other]
    assert bench.notes.ran == [("42", 2, "receipt", 1)]
    assert bench.statuses("43") == [(1, "greet", "done", 1)]
    assert bench.waiting_for() == bench.waiting_for("43") == []
    del bench.notes.failing["receipt"]
    assert bench.deliver(paid, other).failed == []
    assert bench.notes.keys == ["order#42#2#receipt", "order#42#2#loyalty", "order#43#2#receipt", "order#43#2#loyalty"]
    assert {attempts for _, _, _, attempts in bench.statuses()} == {1}


def test_a_hook_is_not_begun_when_the_claim_took_the_time(bench: Bench) -> None:
    paid = bench.only_paid()
    bench.store.ledger.meanwhile = lambda: bench.clock.advance(59)
    assert bench.deliver(paid).failed == [paid]
    assert bench.notes.ran == []
    assert bench.deliver(paid).failed == []
    assert bench.statuses()[1:] == [(2, "receipt", "done", 1), (2, "loyalty", "done", 1)]


@pytest.mark.parametrize("fault", ["throttle", "lost request", "lost answer"])
def test_a_ledger_that_fails_for_a_moment_does_not_make_a_hook_run_again(bench: Bench, fault: LedgerFault) -> None:
    paid = bench.only_paid()
    bench.store.ledger.faults = ["ok", fault]
    assert bench.deliver(paid).failed == []
    assert bench.notes.ran == [("42", 2, "receipt", 1), ("42", 2, "loyalty", 1)]
    assert bench.statuses()[1:] == [(2, "receipt", "done", 1), (2, "loyalty", "done", 1)]


def test_an_outcome_is_looked_for_when_none_of_its_commits_was_answered(bench: Bench) -> None:
    paid = bench.only_paid()
    bench.store.ledger.faults = ["ok", *["lost answer"] * 5]
    assert bench.deliver(paid).failed == []
    assert bench.notes.ran == [("42", 2, "receipt", 1), ("42", 2, "loyalty", 1)]
    assert bench.statuses()[1:] == [(2, "receipt", "done", 1), (2, "loyalty", "done", 1)]


def test_a_ledger_that_is_down_loses_nothing(bench: Bench) -> None:
    changes = bench.paid()
    bench.store.ledger.faults = ["throttle"]
    assert bench.deliver().failed == changes
    assert bench.notes.ran == []
    bench.store.ledger.faults = ["ok", *["throttle"] * 5]
    assert bench.deliver().failed == changes
    assert bench.notes.ran == [("42", 1, "greet", 1)]
    bench.clock.advance(66)
    assert bench.deliver().failed == []
    assert bench.notes.ran[1:] == [("42", 1, "greet", 2), ("42", 2, "receipt", 1), ("42", 2, "loyalty", 1)]


@pytest.mark.parametrize(
    ("owner", "ahead", "held"),
    [
        ("alive", timedelta(milliseconds=1), True),
        ("alive", timedelta(minutes=20), True),
        ("alive", timedelta(0), False),
        ("fast", timedelta(minutes=20, milliseconds=1), False),
        ("fast", timedelta(days=1), False),
        (RELEASED, timedelta(seconds=60), False),
    ],
)
def test_a_lease_holds_while_it_lasts_unless_it_was_given_back_or_no_process_lives_so_long(
    bench: Bench, owner: str, ahead: timedelta, held: bool
) -> None:
    paid = bench.only_paid()
    owed = {"receipt": OWED, "loyalty": OWED}
    bench.store.ledger.put(LedgerEntry("order", "42", 2, owner, bench.clock.now() + ahead, owed), None)
    delivered = bench.deliver(paid)
    if held:
        assert (delivered.failed, bench.notes.ran) == ([paid], [])
    else:
        attempt = 1 if owner == RELEASED else 2
        assert delivered.failed == []
        assert bench.notes.ran == [("42", 2, "receipt", attempt), ("42", 2, "loyalty", 1)]
