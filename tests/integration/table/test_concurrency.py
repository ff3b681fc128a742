"""Many writers at once on real engines: versions gapless, nothing lost, nothing twice (promises 1, 2 and 4)."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

from tests.integration.table.conftest import OnTable
from workflow.engine.events import fold
from workflow.errors import ClaimError, CreateError, LeaseLostError, Refused
from workflow.runtime.ledger_entry import LedgerEntry, Outcome

THREADS = 8
STEPS = 6


def _at_once(work: Callable[[int], object], threads: int = THREADS) -> list[object]:
    together = threading.Barrier(threads, timeout=30)

    def started(number: int) -> object:
        together.wait()
        try:
            return work(number)
        except Refused as error:
            return error

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(started, range(threads)))


def test_8_writers_on_one_entity_lose_nothing_and_leave_no_gap(on_engine: OnTable) -> None:
    flow = on_engine.flow
    flow.create("counter", "1")

    def count(number: int) -> list[str]:
        return [flow.fire("counter", "1", "add", by=f"writer {number}").event.id for _ in range(STEPS)]

    accepted = [event_id for ids in _at_once(count) for event_id in ids]  # type: ignore[attr-defined]
    history = flow.history("counter", "1")
    assert [event.version for event in history] == list(range(1, THREADS * STEPS + 2))
    assert Counter(event.id for event in history[1:]) == Counter(accepted)
    assert flow.get("counter", "1") == fold(history)
    assert flow.get("counter", "1").data == {"count": THREADS * STEPS}


def test_8_writers_with_a_stale_entity_at_hand_lose_nothing_either(on_engine: OnTable) -> None:
    flow = on_engine.flow
    held = flow.create("counter", "1").entity
    answers = _at_once(lambda number: flow.fire("counter", "1", "add", held=held, request_id=f"r{number}").event.id)
    history = flow.history("counter", "1")
    assert Counter(event.id for event in history[1:]) == Counter(answers)
    assert flow.get("counter", "1").data == {"count": THREADS}


def test_of_8_who_pay_an_order_one_is_accepted_and_the_others_leave_no_trace(on_engine: OnTable) -> None:
    flow = on_engine.flow
    flow.create("order", "42", {"total": 100})
    answers = _at_once(lambda number: flow.fire("order", "42", "pay", {"amount": 100}, request_id=f"r{number}"))
    accepted = [answer for answer in answers if not isinstance(answer, Refused)]
    assert len(accepted) == 1
    assert flow.history("order", "42")[1:] == [accepted[0].event]  # type: ignore[attr-defined]
    kept = [flow.runtime.store.find_request("order", "42", f"r{number}") for number in range(THREADS)]
    assert sum(request is not None for request in kept) == 1


def test_of_8_who_create_an_entity_one_does(on_engine: OnTable) -> None:
    flow = on_engine.flow
    answers = _at_once(lambda number: flow.create("order", "42", {"total": number}))
    assert sorted(type(answer).__name__ for answer in answers) == ["Accepted"] + ["CreateError"] * (THREADS - 1)
    assert all(isinstance(answer, CreateError) for answer in answers if isinstance(answer, Refused))
    assert len(flow.history("order", "42")) == 1


def test_8_who_make_the_same_request_get_the_same_event(on_engine: OnTable) -> None:
    flow = on_engine.flow
    flow.create("counter", "1")
    answers = _at_once(lambda number: flow.fire("counter", "1", "add", {"n": 1}, request_id="r"))
    assert len({answer.event.id for answer in answers}) == 1  # type: ignore[attr-defined]
    assert [answer.repeated for answer in answers].count(False) == 1  # type: ignore[attr-defined]
    assert flow.get("counter", "1").data == {"count": 1}


def test_of_8_who_claim_an_events_effects_one_gets_them(on_engine: OnTable) -> None:
    ledger = on_engine.flow.runtime.ledger
    now = datetime.fromisoformat("2026-01-31T12:00:00Z")

    def claim(owner: str, at: datetime) -> str:
        entry = LedgerEntry("order", "42", 1, owner, at + timedelta(seconds=60), {"greet": Outcome()})
        try:
            return ledger.claim(entry, at).owner
        except ClaimError:
            return ""

    first = _at_once(lambda number: claim(f"one {number}", now))
    assert sorted(bool(owner) for owner in first) == [False] * (THREADS - 1) + [True]
    later = now + timedelta(seconds=61)
    second = _at_once(lambda number: claim(f"two {number}", later))
    assert sorted(bool(owner) for owner in second) == [False] * (THREADS - 1) + [True]
    (entry,) = ledger.entries("order", "42")
    assert [entry.owner] == [owner for owner in second if owner]
    assert entry.outcomes == {"greet": Outcome("owed", 1)}

    def commit(number: int) -> bool:
        try:
            ledger.commit(entry._replace(owner=f"two {number}"), "greet", Outcome("done", 2, later, 1))
        except LeaseLostError:
            return False
        return True

    assert _at_once(commit).count(True) == 1
