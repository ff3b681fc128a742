"""Reconcile restores all that the stream lost, once, from where it stopped, and beside everybody else."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import timedelta

import pytest

from tests.fakes.hooks import raising
from tests.unit.runtime.delivery import Bench
from workflow.errors import ThrottledError
from workflow.runtime import reconcile as module
from workflow.runtime.reconcile import Reconciler
from workflow.runtime.records import Seen, WalkProgress

ALL = ["greet", "receipt", "loyalty"]


@pytest.fixture
def lost(bench: Bench) -> Bench:
    """Forty orders were paid ten minutes ago; every third one's changes never came by."""
    for number in range(40):
        changes = bench.paid(str(number))
        if number % 3:
            bench.deliver(*changes)
    bench.clock.advance(600)
    bench.notes.forget()
    return bench


def _ran(bench: Bench) -> dict[str, list[str]]:
    ran: dict[str, list[str]] = {}
    for entity_id, _, hook, _ in bench.notes.ran:
        ran.setdefault(entity_id, []).append(hook)
    return ran


LOST = {str(number): ALL for number in range(0, 40, 3)}


def test_everything_that_was_lost_runs_with_the_next_sweep_once_and_in_order(lost: Bench) -> None:
    found = lost.flow.operations.reconcile()
    assert (found.looked_at, len(found.restored), found.young, found.under_way, found.broken) == (40, 14, 0, 0, [])
    assert lost.notes.ran == []
    lost.sweep()
    lost.sweep()
    assert _ran(lost) == LOST
    assert lost.flow.operations.verify().findings == []
    again = lost.flow.operations.reconcile()
    assert (again.looked_at, again.restored) == (40, [])


def test_what_happened_a_moment_ago_is_left_to_the_stream(bench: Bench) -> None:
    bench.paid()
    bench.clock.advance(299)
    assert (bench.flow.operations.reconcile().young, bench.waiting_for()) == (1, [])
    bench.clock.advance(2)
    assert bench.flow.operations.reconcile().restored == ["order 42 version 1"]


def test_an_entity_that_changes_every_minute_is_restored_all_the_same(bench: Bench) -> None:
    bench.flow.create("order", "42", {})
    bench.clock.advance(600)
    bench.flow.fire("order", "42", "annotate", {"note": "still here"})
    assert bench.flow.operations.reconcile().restored == ["order 42 version 1"]


def test_only_what_changed_since_is_looked_into(lost: Bench) -> None:
    since = lost.clock.now() - timedelta(minutes=5)
    lost.paid("new")
    lost.clock.advance(400)
    assert lost.flow.operations.reconcile(since).restored == ["order new version 1"]


def test_what_is_put_aside_or_being_run_is_left_alone(bench: Bench) -> None:
    bench.notes.failing["receipt"] = raising(ValueError("x"))
    bench.paid()
    bench.deliver()
    bench.clock.advance(600)
    before = list(bench.flow.operations.parked())
    found = bench.flow.operations.reconcile()
    assert (found.restored, found.under_way) == ([], 1)
    assert list(bench.flow.operations.parked()) == before


class _Stop(BaseException):
    pass


def _slowly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_KEEP_EVERY", 1)


@pytest.mark.parametrize("error", [KeyboardInterrupt, _Stop])
def test_one_that_was_interrupted_goes_on_where_it_stopped(
    lost: Bench, monkeypatch: pytest.MonkeyPatch, error: type[BaseException]
) -> None:
    _slowly(monkeypatch)

    def stop(progress: WalkProgress) -> None:
        if progress.looked_at == 15:
            raise error

    records = lost.store.records
    with pytest.raises(error):
        Reconciler(lost.flow.runtime, records, on_progress=stop).reconcile(workers=1)
    kept = records.find_progress()
    assert kept is not None
    assert kept.looked_at == 15
    lost.clock.advance(60)
    first: list[WalkProgress] = []
    found = lost.flow.operations.reconcile(on_progress=first.append)
    assert first[0] == kept
    assert (found.looked_at, found.began_at) == (25, kept.started_at)
    assert len(found.restored) == 14 - kept.restored
    assert records.find_progress() is None
    lost.sweep()
    lost.sweep()
    assert _ran(lost) == LOST


def test_a_store_that_fails_stops_all_shares_and_keeps_how_far_they_came(
    lost: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    _slowly(monkeypatch)
    records, walk = lost.store.records, lost.store.records.walk
    looked: list[int] = []

    def failing(share: int, shares: int, after: str = "") -> Iterator[Seen]:
        for seen in walk(share, shares, after):
            if len(looked) == 10:
                raise ThrottledError("slow down")
            looked.append(share)
            yield seen

    monkeypatch.setattr(records, "walk", failing)
    with pytest.raises(ThrottledError):
        lost.flow.operations.reconcile()
    kept = records.find_progress()
    assert kept is not None
    assert kept.looked_at <= 10
    monkeypatch.setattr(records, "walk", walk)
    assert lost.flow.operations.reconcile().looked_at == 40 - kept.looked_at
    lost.sweep()
    lost.sweep()
    assert _ran(lost) == LOST


@pytest.mark.parametrize(
    ("kept", "asked", "later", "goes_on"),
    [
        (None, None, 0, True),
        (timedelta(hours=2), timedelta(hours=2), 60, True),
        (None, timedelta(hours=2), 0, True),
        (timedelta(hours=2), None, 0, False),
        (timedelta(hours=2), timedelta(hours=3), 0, False),
        (None, None, 90_000, False),
    ],
)
def test_an_interrupted_one_goes_on_only_if_it_looks_at_all_that_is_asked_for(
    bench: Bench, kept: timedelta | None, asked: timedelta | None, later: float, goes_on: bool
) -> None:
    started, records = bench.clock.now(), bench.store.records
    since = started - kept if kept else None
    records.keep_progress(WalkProgress(since, started, 3, 0, ("here",) + ("",) * 7))
    bench.clock.advance(later)
    told: list[WalkProgress] = []
    bench.flow.operations.reconcile(bench.clock.now() - asked if asked else None, on_progress=told.append)
    assert (told[0].positions[0] == "here") is goes_on


def test_afresh_begins_again(bench: Bench) -> None:
    bench.store.records.keep_progress(WalkProgress(None, bench.clock.now(), 3, 0, ("here",) + ("",) * 7))
    told: list[WalkProgress] = []
    bench.flow.operations.reconcile(afresh=True, on_progress=told.append)
    assert told[0].looked_at == 0


def test_two_at_once_restore_everything_once(lost: Bench) -> None:
    second: list[str] = []

    def other(progress: WalkProgress) -> None:
        if progress.looked_at and not second:
            second.append("begun")
            found = Reconciler(lost.flow.runtime, lost.store.records).reconcile(afresh=True)
            second.extend(found.restored)

    first = Reconciler(lost.flow.runtime, lost.store.records, on_progress=other).reconcile(workers=1)
    assert len(first.restored) + len(second[1:]) == 14
    lost.sweep()
    lost.sweep()
    assert _ran(lost) == LOST


def test_live_traffic_beside_it_neither_loses_nor_repeats_an_effect(lost: Bench) -> None:
    lost.flow.operations.reconcile()
    for number in LOST:
        before = len(lost.store.changes())
        lost.flow.fire("order", number, "ship")
        assert lost.deliver(*lost.store.changes(before)).failed == []
    assert lost.notes.ran == []
    lost.sweep()
    lost.sweep()
    assert _ran(lost) == {number: [*ALL, "notify"] for number in LOST}


def test_what_the_stream_brings_after_all_does_not_run_twice(lost: Bench) -> None:
    lost.flow.operations.reconcile()
    lost.deliver()
    lost.sweep()
    lost.sweep()
    lost.deliver()
    assert _ran(lost) == LOST


def test_a_history_that_nobody_understands_does_not_end_the_walk(lost: Bench) -> None:
    del lost.store._events["order", "3"][1]
    found = lost.flow.operations.reconcile()
    assert len(found.restored) == 13
    assert [line.partition(":")[0] for line in found.broken] == ["order 3"]


def test_a_share_that_fails_on_another_thread_stops_the_walk_at_once(
    lost: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    records, walk = lost.store.records, lost.store.records.walk
    looked: list[int] = []

    def failing(share: int, shares: int, after: str = "") -> Iterator[Seen]:
        for seen in walk(share, shares, after):
            if threading.current_thread() is not threading.main_thread():
                raise ThrottledError("slow down")
            time.sleep(0.01)
            looked.append(share)
            yield seen

    monkeypatch.setattr(records, "walk", failing)
    with pytest.raises(ThrottledError):
        lost.flow.operations.reconcile()
    assert len(set(looked)) < 4
