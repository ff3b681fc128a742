"""An entity that was put aside goes on where it stopped, whatever happens meanwhile (promises 4 and 5)."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta

import pytest

from tests.fakes.hooks import raising
from tests.fakes.ledgers import Crash, LedgerFault
from tests.unit.runtime.delivery import Bench
from workflow import Effect
from workflow.runtime.ledger_entry import OWED, LedgerEntry, Outcome, Parked

ALL = [(2, "receipt"), (2, "loyalty"), (3, "receipt"), (3, "loyalty"), (4, "notify")]


def _aside(workers: int = 1) -> Bench:
    """An order that was put aside at version 2, with versions 3 and 4 waiting behind it; its hook is well again."""
    bench = Bench(workers=workers)
    bench.notes.failing["receipt"] = raising(ValueError("no printer"))
    bench.deliver(bench.only_paid())
    bench.flow.fire("order", "42", "annotate")
    bench.flow.fire("order", "42", "ship")
    assert bench.deliver(*bench.store.changes()[2:]).waiting == 2
    bench.notes.failing.clear()
    bench.notes.forget()
    return bench


def _ran(bench: Bench) -> list[tuple[int, str]]:
    return [(version, hook) for _, version, hook, _ in bench.notes.ran]


def _is_through(bench: Bench) -> bool:
    return all(entry.settled and not entry.parked for entry in bench.flow.effects("order", "42"))


def test_what_waits_runs_in_order_behind_it() -> None:
    bench = _aside()
    delivered = bench.sweep(after=30)
    assert (delivered.effects_done, delivered.put_aside, delivered.failed) == (5, 0, [])
    assert _ran(bench) == ALL
    assert _is_through(bench)
    assert bench.sweep(after=1000).effects_done == 0


def test_it_goes_on_at_the_hook_where_it_stopped(bench: Bench) -> None:
    bench.notes.failing["loyalty"] = raising(ValueError("no points"))
    bench.deliver(bench.only_paid())
    bench.notes.failing.clear()
    bench.notes.forget()
    bench.sweep(after=30)
    assert bench.notes.ran == [("42", 2, "loyalty", 2)]
    assert bench.statuses()[1:] == [(2, "receipt", "done", 1), (2, "loyalty", "done", 2)]


def test_what_happens_during_a_resumption_runs_in_it_though_no_stream_brought_it_yet() -> None:
    bench = Bench()
    bench.notes.failing["receipt"] = raising(ValueError("no printer"))
    bench.deliver(bench.only_paid())
    bench.notes.forget()
    bench.notes.failing["receipt"] = lambda effect: effect.version == 2 and effect.fire("annotate", {"note": "x"})
    bench.notes.failing["loyalty"] = lambda effect: effect.version == 3 and effect.fire("ship")
    assert bench.sweep(after=30).effects_done == 5
    assert _ran(bench) == ALL
    assert bench.deliver().effects_done == 0
    assert _is_through(bench)


def test_a_change_that_a_stream_brings_during_a_resumption_is_neither_lost_nor_overtaken(bench: Bench) -> None:
    bench.notes.failing["receipt"] = raising(ValueError("no printer"))
    bench.deliver(bench.only_paid())

    def annotated(effect: Effect) -> None:
        if effect.version == 2:
            bench.flow.fire("order", "42", "annotate")
            assert bench.deliver(bench.store.changes()[-1]).waiting == 1

    bench.notes.failing["receipt"] = annotated
    bench.notes.forget()
    bench.sweep(after=30)
    assert _ran(bench) == ALL[:4]
    assert _is_through(bench)


def test_one_that_fails_again_puts_the_entity_aside_there() -> None:
    bench = _aside()
    bench.notes.failing["loyalty"] = lambda effect: 1 / int(effect.version != 3)
    assert bench.sweep(after=30).put_aside == 1
    assert _ran(bench) == ALL[:4]
    assert bench.waiting_for() == [(3, "loyalty", "retry")]
    bench.notes.failing.clear()
    bench.sweep(after=30)
    assert _ran(bench)[4:] == [(3, "loyalty"), (4, "notify")]
    assert _is_through(bench)


def test_a_change_that_owes_nothing_in_between_holds_nothing_up(bench: Bench) -> None:
    bench.notes.failing["greet"] = raising(ValueError("no"))
    bench.flow.create("order", "42")
    bench.flow.fire("order", "42", "cancel")
    bench.deliver()
    bench.notes.failing.clear()
    assert bench.sweep(after=30).effects_done == 1
    assert _is_through(bench)


def test_until_it_is_through_one_of_its_entries_is_due_at_the_end_of_the_lease() -> None:
    bench = _aside()
    seen: list[list[tuple[int, Parked | None]]] = []

    def look(effect: Effect) -> None:
        seen.append([(e.version, e.parked) for e in bench.flow.effects("order", "42") if e.parked])

    for hook in ("receipt", "loyalty", "notify"):
        bench.notes.failing[hook] = look
    bench.clock.advance(30)
    now = bench.clock.now()
    bench.sweep()
    lease_end = now + timedelta(seconds=65)
    assert [[version for version, _ in parked] for parked in seen] == [[2], [2], [3], [3], [4]]
    assert {(p.hook, p.why, p.next_at) for parked in seen for _, p in parked if p} == {("", "following", lease_end)}


WRITES = 10
"""The last of the writes below, counted from 0."""


def test_a_resumption_writes_so_often() -> None:
    bench = _aside()
    bench.store.ledger.writes.clear()
    bench.sweep(after=30)
    assert bench.store.ledger.writes == [
        ("put", 2), ("commit", 2), ("commit", 2),
        ("put", 3), ("commit", 2), ("commit", 3), ("commit", 3),
        ("put", 4), ("commit", 3), ("commit", 4),
        ("commit", 4),
    ]  # fmt: skip


@pytest.mark.parametrize("workers", [1, 4])
@pytest.mark.parametrize("fault", ["crash before", "crash after"])
@pytest.mark.parametrize("write", range(WRITES + 1))
def test_a_crash_at_any_write_of_a_resumption_loses_nothing_and_lets_nothing_overtake(
    write: int, fault: LedgerFault, workers: int
) -> None:
    bench = _aside(workers)
    bench.store.ledger.faults = [*["ok"] * write, fault]  # type: ignore[list-item]
    with pytest.raises(Crash):
        bench.sweep(after=30)
    for _ in range(3):
        bench.sweep(after=65)
    assert list(dict.fromkeys(_ran(bench))) == ALL
    assert sorted(Counter(_ran(bench)).values())[-2:] in ([1, 1], [1, 2])
    assert _is_through(bench)


@pytest.mark.parametrize("fault", ["throttle", "lost request", "lost answer"])
@pytest.mark.parametrize("write", range(WRITES + 1))
def test_a_write_that_fails_for_a_moment_delays_a_resumption_at_most(write: int, fault: LedgerFault) -> None:
    bench = _aside()
    bench.store.ledger.faults = [*["ok"] * write, fault]  # type: ignore[list-item]
    bench.sweep(after=30)
    bench.sweep(after=70)
    assert _ran(bench) == ALL
    assert _is_through(bench)


def test_a_resumption_out_of_time_goes_on_with_the_next_sweep_and_counts_no_attempt() -> None:
    bench = _aside()
    bench.notes.failing["loyalty"] = lambda effect: bench.clock.advance(58) if effect.version == 2 else None
    bench.sweep(after=30)
    assert _ran(bench) == ALL[:2]
    bench.sweep()
    assert _ran(bench) == ALL
    assert {attempts for version, _, _, attempts in bench.statuses() if version > 2} == {1}
    assert _is_through(bench)


def test_an_entity_that_a_live_sweep_is_at_is_left_to_it() -> None:
    bench = _aside()
    inner: list[int] = []
    bench.notes.failing["receipt"] = lambda effect: inner.append(bench.sweep(after=10).effects_done)
    assert bench.sweep(after=30).effects_done == 5
    assert inner == [0, 0]
    assert _ran(bench) == ALL


def test_an_entity_that_waits_for_a_person_is_not_taken_up() -> None:
    bench = _aside()
    entry = bench.entry()
    assert entry.parked is not None
    bench.store.ledger.put(entry._replace(parked=entry.parked._replace(next_at=None)), entry)
    assert bench.sweep(after=10**6).effects_done == 0
    assert bench.notes.ran == []


def test_a_later_event_that_waits_for_a_person_ends_the_resumption_before_it() -> None:
    bench = _aside()
    bench.notes.failing["receipt"] = lambda effect: 1 / int(effect.version != 3)
    for wait in (30, 30, 60, 120):
        bench.sweep(after=wait)
    assert bench.waiting_for() == [(3, "receipt", "attempts")]
    assert bench.entry(2).settled
    assert (4, "notify") not in _ran(bench)


@pytest.mark.parametrize(
    ("gone", "ran", "waits", "error"),
    [
        (1, [], 2, "order 42: event 2 from 'placed' does not follow version 0 in 'nothing'"),
        (2, [], 2, "order 42: event 3 from 'paid' does not follow version 1 in 'placed'"),
        (3, ALL[:2], 2, "order 42: event 4 from 'paid' does not follow version 2 in 'paid'"),
    ],
)
def test_a_broken_history_waits_for_a_person_where_it_breaks(
    gone: int, ran: list[tuple[int, str]], waits: int, error: str
) -> None:
    bench = _aside()
    del bench.store._events["order", "42"][gone]
    for wait in (30, 1000):
        bench.sweep(after=wait)
    assert _ran(bench) == ran
    (entry,) = [entry for entry in bench.flow.effects("order", "42") if entry.parked]
    assert entry.parked is not None
    assert (entry.version, entry.parked.why, entry.parked.next_at, entry.parked.error) == (waits, "broken", None, error)


def test_a_history_that_ends_too_early_waits_for_a_person(bench: Bench) -> None:
    bench.notes.failing["receipt"] = raising(ValueError("no printer"))
    bench.deliver(bench.only_paid())
    del bench.store._events["order", "42"][2]
    bench.sweep(after=30)
    parked = bench.entry().parked
    assert parked is not None
    assert (parked.why, parked.next_at, parked.error) == ("broken", None, "order 42: its history has no event 2")


def test_a_gap_further_on_is_noted_at_the_event_before_it() -> None:
    bench = _aside()
    own = bench.store._events["order", "42"]
    own[5] = own[4]._replace(version=6)
    bench.sweep(after=30)
    assert _ran(bench) == ALL
    assert bench.waiting_for() == [(4, "", "broken")]


@pytest.mark.parametrize("dies", [True, False])
def test_what_waits_behind_effects_that_a_late_duplicate_runs_is_not_forgotten(dies: bool) -> None:
    bench = _aside()

    def duplicate_comes(effect: Effect) -> None:
        lease_until = bench.clock.now() + timedelta(seconds=60)
        bench.store.ledger.put(_claimed(bench, "duplicate", lease_until), None)

    bench.notes.failing["receipt"] = duplicate_comes
    assert bench.sweep(after=30).effects_done == 2
    bench.notes.failing.clear()
    assert _ran(bench) == ALL[:2]
    now = bench.clock.now()
    assert bench.entry(2).parked == Parked("", "following", now - timedelta(seconds=30), now)
    if not dies:
        done = Outcome("done", 1, now)
        claimed = bench.entry(3)
        bench.store.ledger.put(claimed._replace(outcomes=dict.fromkeys(claimed.outcomes, done)), claimed)
    assert bench.sweep(after=59).effects_done == (0 if dies else 1)
    bench.sweep(after=60)
    assert _ran(bench) == (ALL if dies else [*ALL[:2], ALL[4]])
    assert _is_through(bench)


def _claimed(bench: Bench, owner: str, lease_until: datetime) -> LedgerEntry:
    return LedgerEntry("order", "42", 3, owner, lease_until, dict.fromkeys(("receipt", "loyalty"), OWED))


def test_a_lease_that_no_process_can_have_is_taken_over_by_a_sweep() -> None:
    bench = _aside()
    bench.clock.advance(30)
    entry = bench.entry()
    assert entry.parked is not None
    tomorrow = bench.clock.now() + timedelta(days=1)
    bench.store.ledger.put(entry._replace(owner="fast", lease_until=tomorrow), entry)
    assert bench.sweep().effects_done == 5
    assert _ran(bench) == ALL
