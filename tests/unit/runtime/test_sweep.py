"""A sweep takes up all that is due, within its time, and no entity keeps it from the others (promises 4 and 6)."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from tests.fakes.hooks import raising
from tests.unit.runtime.delivery import HOOKED, Bench
from workflow.engine.entity import Entity
from workflow.errors import StoreUnavailableError
from workflow.runtime.ledger_entry import OWED, LedgerEntry
from workflow.runtime.ports import Pause
from workflow.runtime.sweep import Sweeper

MINUTE = timedelta(minutes=1)


def _aside(bench: Bench, *entity_ids: str) -> Bench:
    """Paid orders that were put aside, and are due in half a minute; their hook is well again."""
    bench.notes.failing["receipt"] = raising(ValueError("no printer"))
    bench.deliver(*[bench.only_paid(entity_id) for entity_id in entity_ids])
    bench.notes.failing.clear()
    bench.notes.forget()
    return bench


def test_many_entities_are_taken_up_side_by_side() -> None:
    bench = _aside(Bench(workers=3), *"abc")
    together = threading.Barrier(3, timeout=10)
    bench.notes.failing["receipt"] = lambda effect: together.wait()
    assert bench.sweep(after=30).effects_done == 6


def test_the_longest_due_is_taken_up_first() -> None:
    bench = Bench(workers=1)
    for entity_id in "bca":
        _aside(bench, entity_id)
        bench.clock.advance(1)
    bench.sweep(after=100)
    assert [run[0] for run in bench.notes.ran] == ["b", "b", "c", "c", "a", "a"]


def test_an_entity_that_cannot_be_read_keeps_no_other_waiting(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    bench, secret = _aside(Bench(workers=1), *"abc"), "canary"
    find = bench.store.ledger.find

    def failing(kind: str, entity_id: str, version: int) -> LedgerEntry | None:
        if entity_id == "a":
            raise StoreUnavailableError("no answer")
        if entity_id == "b":
            raise RuntimeError(secret)
        return find(kind, entity_id, version)

    with monkeypatch.context() as outage:
        outage.setattr(bench.store.ledger, "find", failing)
        assert bench.sweep(after=30).effects_done == 2
    assert {run[0] for run in bench.notes.ran} == {"c"}
    assert secret not in caplog.text
    assert bench.sweep().effects_done == 4


def test_nothing_is_begun_when_the_time_of_a_sweep_is_nearly_up() -> None:
    bench = _aside(Bench(workers=1), *"ab")
    bench.notes.failing["loyalty"] = lambda effect: bench.clock.advance(58) if effect.id == "a" else None
    assert bench.sweep(after=30).effects_done == 2
    assert {run[0] for run in bench.notes.ran} == {"a"}
    assert bench.sweep().effects_done == 2


def test_a_sweep_takes_up_so_many_and_the_next_one_goes_on() -> None:
    bench = _aside(Bench(workers=2), *"abcde")
    sweeper = Sweeper(bench.flow.runtime, workers=2, most=2)
    bench.clock.advance(30)
    assert [sweeper.sweep(until=bench.clock.now() + MINUTE).effects_done for _ in range(4)] == [4, 4, 2, 0]


def test_two_sweepers_at_once_run_each_effect_once() -> None:
    bench = _aside(Bench(workers=4), *map(str, range(20)))
    bench.clock.advance(30)
    sweepers = [Sweeper(bench.flow.runtime, workers=4) for _ in range(2)]
    together = threading.Barrier(2, timeout=10)

    def sweep(sweeper: Sweeper) -> int:
        together.wait()
        return sweeper.sweep(until=bench.clock.now() + MINUTE).effects_done

    with ThreadPoolExecutor(2) as pool:
        assert sum(pool.map(sweep, sweepers)) == 40
    assert sorted(bench.notes.ran) == sorted(
        (str(number), 2, hook, attempt) for number in range(20) for hook, attempt in (("receipt", 2), ("loyalty", 1))
    )


def test_two_entries_of_an_entity_that_are_due_at_once_run_each_effect_once() -> None:
    """As a sweep leaves them that ended between claiming the later one and letting the earlier one go."""
    for _ in range(20):
        bench = _aside(Bench(workers=2), "42")
        bench.flow.fire("order", "42", "annotate")
        entry = bench.entry()
        later = entry._replace(version=3, outcomes=dict.fromkeys(entry.outcomes, OWED))
        bench.store.ledger.put(later, None)
        bench.sweep(after=30)
        bench.sweep(after=100)
        assert sorted(run[1:3] for run in bench.notes.ran) == [
            (version, hook) for version in (2, 3) for hook in ("loyalty", "receipt")
        ]


def test_an_empty_sweep_does_nothing(bench: Bench) -> None:
    bench.only_paid()
    bench.store.ledger.writes.clear()
    delivered = bench.sweep(after=10**6)
    assert (delivered.effects_done, delivered.timers_fired, bench.store.ledger.writes) == (0, 0, [])


def test_a_sweep_goes_on_with_paused_hooks_left_out(bench: Bench) -> None:
    _aside(bench, "42")
    bench.store.ledger.pause(Pause("receipt", bench.clock.now(), "wait"))
    assert bench.sweep(after=30).put_aside == 1
    bench.store.ledger.resume("receipt")
    assert bench.sweep(after=600).effects_done == 2
    entity: Entity = bench.flow.get("order", "42")
    assert (entity.definition, entity.owing) == (HOOKED.version, 2)
