"""Many writers at once on real engines: versions gapless, nothing lost, nothing twice (promises 1, 2 and 4)."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

from tests.fakes.clock import FakeClock
from tests.integration.table.conftest import OnTable
from tests.writes import committed, creation
from workflow.engine.events import fold
from workflow.errors import ClaimError, CreateError, LeaseLostError, Refused
from workflow.runtime.changes import Change, Copies
from workflow.runtime.claims import Claims
from workflow.runtime.ledger_entry import OWED, RELEASED, LedgerEntry, Outcome, Parked
from workflow.runtime.ports import SetTimer

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
    runtime = on_engine.flow.runtime
    clock = FakeClock()
    change = Change("order", "42", 0, 1, "", "placed", 1, "create", "1", Copies(None, creation().after))

    def claim(owner: str) -> str:
        claims = Claims(runtime.ledger, clock, owner, clock.now() + timedelta(seconds=60))
        try:
            entry = claims.claim(change, ("greet",))
        except ClaimError:
            return ""
        return entry.owner if entry else ""

    first = _at_once(lambda number: claim(f"one {number}"))
    assert sorted(bool(owner) for owner in first) == [False] * (THREADS - 1) + [True]
    clock.advance(60)
    second = _at_once(lambda number: claim(f"two {number}"))
    assert sorted(bool(owner) for owner in second) == [False] * (THREADS - 1) + [True]
    (entry,) = runtime.ledger.entries("order", "42")
    assert [entry.owner] == [owner for owner in second if owner]
    assert entry.outcomes == {"greet": Outcome("unknown", 1)}

    def commit(number: int) -> bool:
        try:
            runtime.ledger.commit(f"two {number}", entry.with_outcome("greet", Outcome("done", 2)), "greet")
        except LeaseLostError:
            return False
        return True

    assert _at_once(commit).count(True) == 1


def test_two_sweepers_at_once_take_up_each_entity_and_each_timer_once(on_engine: OnTable) -> None:
    runtime, flow = on_engine.flow.runtime, on_engine.flow
    long_ago = runtime.clock.now() - timedelta(hours=1)
    for number in range(THREADS):
        entity_id = str(number)
        flow.create("order", entity_id, {"total": 1})
        flow.fire("order", entity_id, "pay", {"amount": 1})
        parked = Parked("receipt", "retry", long_ago, long_ago, "no")
        outcomes = {"receipt": Outcome("failed", 1, long_ago, 0, "no"), "loyalty": OWED}
        runtime.ledger.put(LedgerEntry("order", entity_id, 2, RELEASED, long_ago, outcomes, parked), None)
        timed = creation(f"timed {number}")
        committed(runtime.store, replace(timed, timer=SetTimer("order", f"timed {number}", 1, "cancel", long_ago)))
    swept = _at_once(lambda _: on_engine.sweep(), 2)
    assert sum(delivered.effects_done for delivered in swept) == 2 * THREADS  # type: ignore[attr-defined]
    assert sum(delivered.timers_fired for delivered in swept) == THREADS  # type: ignore[attr-defined]
    assert Counter(on_engine.notes.ran) == Counter(
        (str(number), 2, hook, attempt)
        for number in range(THREADS)
        for hook, attempt in (("receipt", 2), ("loyalty", 1))
    )
    for number in range(THREADS):
        assert flow.get("order", f"timed {number}").version == 2
        assert runtime.store.find_timer("order", f"timed {number}") is None
    assert list(runtime.ledger.parked()) == []
