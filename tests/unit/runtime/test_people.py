"""What people do about effects: each is one conditional write, and happens when it is called."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.fakes.hooks import raising
from tests.fakes.uses import LATER, using
from tests.unit.runtime.delivery import HOOKED, Bench
from workflow.definition.definition import Transition
from workflow.errors import EffectNotParkedError, PayloadError, UnknownHookError
from workflow.runtime.ledger_entry import OWED, RELEASED, LedgerEntry, Outcome, Parked

ONCE = using(HOOKED, retry=replace(LATER, attempts=1))


@pytest.fixture
def stuck() -> Bench:
    """The orders 1, 2 and 3 wait for a person, at `receipt`."""
    bench = Bench(ONCE)
    bench.notes.failing["receipt"] = raising(LookupError("x"))
    for number in ("1", "2", "3"):
        bench.paid(number)
    bench.deliver()
    bench.notes.failing.clear()
    bench.notes.forget()
    return bench


def _due(bench: Bench) -> dict[str, float | None]:
    now = bench.clock.now()
    entries = [(entry, entry.parked.next_at if entry.parked else None) for entry in bench.flow.operations.parked()]
    return {entry.entity_id: (at - now).total_seconds() if at else None for entry, at in entries}


def test_a_redriven_entity_goes_on_with_the_next_sweep_and_all_that_waits_behind_it(stuck: Bench) -> None:
    stuck.flow.fire("order", "1", "ship")
    stuck.deliver(*stuck.store.changes()[-1:])
    stuck.flow.operations.redrive("order", "1")
    assert stuck.notes.ran == []
    stuck.sweep()
    assert stuck.notes.ran == [("1", 2, "receipt", 2), ("1", 2, "loyalty", 1), ("1", 3, "notify", 1)]


def test_a_redriven_effect_is_owed_until_it_runs_and_its_attempts_are_forgiven(stuck: Bench) -> None:
    failed_at = stuck.clock.now()
    stuck.clock.advance(60)
    stuck.flow.operations.redrive("order", "1")
    owed = Outcome("owed", 1, failed_at, 0, "LookupError: x", forgiven=1)
    parked = Parked("receipt", "released", failed_at, stuck.clock.now(), "LookupError: x")
    assert stuck.entry(2, "1") == LedgerEntry(
        "order", "1", 2, RELEASED, stuck.clock.now(), {"receipt": owed, "loyalty": OWED}, parked
    )


def test_a_redrive_gives_all_attempts_again(stuck: Bench) -> None:
    stuck.deploy(using(HOOKED, retry=replace(LATER, attempts=2)))
    stuck.notes.failing["receipt"] = raising(LookupError("x"))
    stuck.flow.operations.redrive("order", "1")
    stuck.sweep()
    assert _due(stuck)["1"] is not None
    stuck.sweep(after=30)
    assert _due(stuck)["1"] is None
    assert stuck.entry(2, "1").outcomes["receipt"].attempts == 3


def test_several_are_let_go_when_called_and_due_at_the_rate(stuck: Bench) -> None:
    told: list[LedgerEntry] = []
    entries = list(stuck.flow.operations.parked())
    gone = stuck.flow.operations.redrive_all(entries, per_second=0.5, on_each=told.append)
    assert gone == told == entries
    assert sorted(_due(stuck).values(), key=str) == [0.0, 2.0, 4.0]


def test_one_that_has_gone_on_meanwhile_is_left_alone_and_takes_no_turn(stuck: Bench) -> None:
    entries = list(stuck.flow.operations.parked())
    stuck.flow.operations.redrive(entries[0].kind, entries[0].entity_id)
    stuck.sweep()
    gone = stuck.flow.operations.redrive_all(entries, per_second=0.1)
    assert gone == entries[1:]
    assert sorted(_due(stuck).values(), key=str) == [0.0, 10.0]


@pytest.mark.parametrize("rate", [-1.0, float("nan"), float("inf"), 1e-300])
def test_a_rate_that_is_none_is_refused_before_anything_is_done(stuck: Bench, rate: float) -> None:
    before = _due(stuck)
    stuck.flow.operations.pause("receipt", "x")
    for call in (lambda: stuck.flow.operations.redrive_all(list(stuck.flow.operations.parked()), per_second=rate),):
        with pytest.raises(PayloadError, match="the rate is"):
            call()
    with pytest.raises(PayloadError, match="the rate is"):
        stuck.flow.operations.resume("receipt", per_second=rate)
    assert (_due(stuck), list(stuck.flow.operations.pauses())) == (before, ["receipt"])


def test_a_skipped_effect_is_settled_with_its_reason_and_the_next_one_runs(stuck: Bench) -> None:
    assert stuck.flow.operations.skip("order", "1", " sent by hand ", by="ada") == "receipt"
    stuck.sweep()
    outcome = stuck.entry(2, "1").outcomes["receipt"]
    assert (outcome.status, outcome.note, outcome.error) == ("skipped", "by ada: sent by hand", "LookupError: x")
    assert stuck.notes.ran == [("1", 2, "loyalty", 1)]


def test_a_skip_without_a_reason_changes_nothing(stuck: Bench) -> None:
    before = stuck.entry(2, "1")
    with pytest.raises(PayloadError, match="takes a reason"):
        stuck.flow.operations.skip("order", "1", "  ")
    assert stuck.entry(2, "1") == before


def test_what_is_being_run_is_neither_redriven_nor_skipped(stuck: Bench) -> None:
    entry = stuck.entry(2, "1")
    stuck.store.ledger._entries["order", "1", 2] = entry._replace(
        owner="somebody", lease_until=stuck.clock.now() + timedelta(seconds=9)
    )
    for call in (
        lambda: stuck.flow.operations.redrive("order", "1"),
        lambda: stuck.flow.operations.skip("order", "1", "x"),
    ):
        with pytest.raises(EffectNotParkedError, match="are being run until"):
            call()


def test_somebody_who_was_faster_is_told(stuck: Bench) -> None:
    stuck.store.ledger.meanwhile = lambda: stuck.flow.operations.skip("order", "1", "first")
    with pytest.raises(EffectNotParkedError, match="have gone on meanwhile"):
        stuck.flow.operations.redrive("order", "1")
    assert stuck.entry(2, "1").outcomes["receipt"].note == "first"


def test_a_resumed_hook_runs_again_without_anybody_reading_the_answer(bench: Bench) -> None:
    bench.flow.operations.pause("receipt", "the provider is down", by="ada")
    bench.paid()
    bench.deliver()
    assert bench.waiting_for() == [(2, "receipt", "paused")]
    bench.flow.operations.resume("receipt")
    assert bench.flow.operations.pauses() == {}
    bench.sweep()
    assert bench.statuses()[1:] == [(2, "receipt", "done", 1), (2, "loyalty", "done", 1)]


def test_a_resume_lets_go_what_the_pause_held_up_and_nothing_else(stuck: Bench) -> None:
    stuck.flow.operations.pause("loyalty", "down")
    stuck.clock.advance(10)
    stuck.paid("4")
    stuck.deliver(*stuck.store.changes()[-2:])
    gone = stuck.flow.operations.resume("loyalty", per_second=1)
    assert [(entry.entity_id, entry.version) for entry in gone] == [("4", 2)]
    assert _due(stuck) == {"1": None, "2": None, "3": None, "4": 0.0}


def test_a_hook_that_nobody_asks_for_is_neither_paused_nor_resumed(bench: Bench) -> None:
    for call in (
        lambda: bench.flow.operations.pause("receit", "x"),
        lambda: bench.flow.operations.resume("receit"),
        lambda: bench.flow.operations.parked(hook="receit"),
    ):
        with pytest.raises(UnknownHookError, match="known: greet, loyalty, notify, receipt"):
            call()


def test_a_hook_that_was_paused_and_then_removed_can_be_resumed(bench: Bench) -> None:
    bench.flow.operations.pause("receipt", "x")
    bench.deploy(replace(HOOKED, states={name: replace(s, on_enter=()) for name, s in HOOKED.states.items()}))
    bench.flow.operations.resume("receipt")
    assert bench.flow.operations.pauses() == {}


def test_a_redriven_entity_of_a_definition_that_is_not_here_still_waits_for_it(bench: Bench) -> None:
    rush = Transition("rush", "paid", "shipped")
    newer = replace(HOOKED, version=2, transitions=(*HOOKED.transitions, rush, Transition("return", "shipped", "paid")))
    bench.deliver(bench.only_paid())
    bench.notes.forget()
    bench.deploy(newer)
    bench.flow.fire("order", "42", "rush")
    bench.flow.fire("order", "42", "return")
    bench.deploy(HOOKED)
    rushed, returned = bench.store.changes()[2:]
    bench.deliver(rushed)
    bench.flow.operations.redrive("order", "42")
    assert bench.waiting_for() == [(3, "", "definition")]
    assert not bench.entry(3).settled
    assert bench.deliver(returned).waiting == 1
    assert bench.sweep().effects_done == 0
    assert bench.notes.ran == []
    bench.deploy(HOOKED, newer)
    bench.flow.operations.redrive("order", "42")
    bench.sweep()
    assert [run[1:3] for run in bench.notes.ran] == [(3, "notify"), (4, "receipt"), (4, "loyalty")]


def test_a_redriven_entity_whose_history_is_broken_still_waits_for_its_repair(bench: Bench) -> None:
    _, paid = bench.paid()
    bench.flow.fire("order", "42", "ship")
    event = bench.store._events["order", "42"].pop(1)
    bench.deliver(paid)
    bench.flow.operations.redrive("order", "42")
    assert bench.waiting_for() == [(1, "", "broken")]
    assert not bench.entry(1).settled
    assert bench.deliver(*bench.store.changes()[1:]).waiting == 2
    bench.sweep()
    assert (bench.waiting_for(), bench.notes.ran) == ([(1, "", "broken")], [])
    bench.store._events["order", "42"][1] = event
    bench.flow.operations.redrive("order", "42")
    bench.sweep()
    assert [run[1:3] for run in bench.notes.ran] == [(1, "greet"), (2, "receipt"), (2, "loyalty"), (3, "notify")]


@pytest.mark.parametrize("reason", ["x" * 1001, "bad\udcff", "\x1b[2J", None])
def test_a_reason_that_would_not_fit_or_not_show_is_refused(stuck: Bench, reason: Any) -> None:
    for call in (
        lambda: stuck.flow.operations.pause("receipt", reason),
        lambda: stuck.flow.operations.skip("order", "1", reason),
        lambda: stuck.flow.operations.pause("receipt", "good", by="x" * 1001),
    ):
        with pytest.raises(PayloadError, match=r"takes a reason|at most 1000 fit|cannot be shown"):
            call()
    assert stuck.flow.operations.pauses() == {}


def test_what_a_pause_held_up_is_let_go_without_the_pauses_reason_for_an_error(bench: Bench) -> None:
    bench.flow.operations.pause("receipt", "the provider is down")
    bench.paid()
    bench.deliver()
    bench.flow.operations.resume("receipt")
    parked = bench.entry().parked
    assert (parked.why, parked.error, parked.next_at) == ("released", "", bench.clock.now())
    first, *_ = bench.flow.operations.explain("order", "42").reasons
    assert first.what.startswith("'receipt' of version 2 was let go since 2026-01-31")
