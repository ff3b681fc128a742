"""Verify finds each kind of damage, says nothing of a clean table, and quotes nobody's data."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.fakes.hooks import raising
from tests.fakes.uses import LATER, using
from tests.samples import ORDER, entering
from tests.unit.runtime.delivery import HOOKED, Bench
from workflow.definition.definition import State, Timer
from workflow.runtime.ledger_entry import OWED, Outcome
from workflow.runtime.ports import Request, Violation
from workflow.runtime.verify import Verified, verify

SECRET = "ada@example.com"
TIMED = replace(HOOKED, states={**HOOKED.states, "paid": State("paid", timers=(Timer(1800, "cancel"),))})


def _change_by_hand(bench: Bench) -> None:
    entity = bench.store._entities["order", "42"]
    bench.store.rewind(entity._replace(state="shipped", data={**entity.data, "email": "other@example.com"}))


def _delete_event(bench: Bench) -> None:
    del bench.store._events["order", "42"][2]


def _make_gap(bench: Bench) -> None:
    del bench.store._events["order", "42"][1]


def _request_without_event(bench: Bench) -> None:
    bench.store._requests["order", "42", "r"] = Request("r", 9, "id-of-nobody", "fingerprint")


def _same_event_twice(bench: Bench) -> None:
    events = bench.store._events["order", "42"]
    events[2] = events[2]._replace(id=events[1].id)
    bench.store.rewind(bench.store._entities["order", "42"]._replace(event_id=events[1].id))


def _undeclared(bench: Bench) -> None:
    events = bench.store._events["order", "42"]
    events[2] = events[2]._replace(trigger="steal", owing=1)
    bench.store.rewind(bench.store._entities["order", "42"]._replace(trigger="steal", owing=1))
    del bench.store.ledger._entries["order", "42", 2]


def _other_hooks(bench: Bench) -> None:
    entry = bench.entry(2)
    bench.store.ledger._entries["order", "42", 2] = entry._replace(outcomes={"other": Outcome("done", 1)})


def _lose_effects(bench: Bench) -> None:
    del bench.store.ledger._entries["order", "42", 2]


def _cut_off(bench: Bench) -> None:
    entry = bench.entry(2)
    bench.store.ledger._entries["order", "42", 2] = entry.with_outcome("loyalty", OWED)


def _break_order(bench: Bench) -> None:
    bench.store.ledger._entries["order", "42", 1] = bench.entry(1).with_outcome("greet", OWED)


def _ledger_of_nothing(bench: Bench) -> None:
    bench.store.ledger._entries["order", "42", 7] = bench.entry(2)._replace(version=7)


def _delete(bench: Bench) -> None:
    bench.store.delete("order", "42")


def _delete_history(bench: Bench) -> None:
    bench.store.delete_history("order", "42")


def _violate(bench: Bench) -> None:
    at = bench.clock.now()
    violation = Violation("order", "42", "7", at, "the state went from 'paid' to 'x' without an event", "", "", 2, 2)
    bench.store.record_violation(violation)


@pytest.mark.parametrize(
    ("damage", "expected"),
    [
        (_change_by_hand, [(2, "it does not equal its history: state is shipped, its events make it paid")]),
        (_delete_event, [(2, "it does not equal its history"), (4, "the ledger holds effects of version 2")]),
        (_make_gap, [(2, "order 42: event 2 from 'placed'"), (4, "the ledger holds effects of version 1")]),
        (_request_without_event, [(1, "request 'r' was answered with version 9, which the history lacks")]),
        (_same_event_twice, [(1, "is in the history 2 times")]),
        (_undeclared, [(3, "event 2: version 1 of the definition has no transition 'steal'")]),
        (_other_hooks, [(4, "the ledger of version 2 has other hooks")]),
        (_lose_effects, [(4, "effects of version 2 are owed since 2026-01-31 12:00:00Z, and nobody has begun")]),
        (_cut_off, [(4, "effects of version 2 were cut off, and nobody has taken them up")]),
        (_break_order, [(4, "version 1 were cut off"), (5, "effects of version 2 began before those of version 1")]),
        (_ledger_of_nothing, [(4, "the ledger holds effects of version 7, which the history lacks")]),
        (_delete, [(2, "it was deleted, its history of 2 events was not")]),
        (_delete_history, [(2, "it is at version 2 and has no history"), (4, "version 1"), (4, "version 2")]),
        (_violate, [(7, "was changed past the framework")]),
    ],
)
def test_each_damage_is_found_and_nothing_else(
    bench: Bench, damage: Callable[[Bench], None], expected: list[tuple[int, str]]
) -> None:
    for number in ("41", "42"):
        bench.paid(number, email=SECRET)
    bench.deliver()
    bench.clock.advance(600)
    damage(bench)
    found = _verify(bench)
    assert [f.promise for f in found.findings] == [promise for promise, _ in expected]
    assert {f.entity_id for f in found.findings} == {"42"}
    for finding, (_, text) in zip(found.findings, expected, strict=True):
        assert text in finding.what
    assert "example.com" not in f"{found}"


def _verify(bench: Bench) -> Verified:
    return bench.flow.operations.verify()


def test_a_clean_table_has_no_finding_and_is_counted(bench: Bench) -> None:
    bench.paid("1")
    bench.deliver()
    bench.notes.failing["receipt"] = raising(LookupError("x"))
    bench.paid("2")
    bench.deliver()
    bench.paid("3")
    found = _verify(bench)
    assert found == Verified(entities=3, events=6, effects=6)


def test_what_waits_for_a_person_is_counted_and_is_no_finding(bench: Bench) -> None:
    bench.deploy(using(HOOKED, retry=replace(LATER, attempts=1)))
    bench.notes.failing["receipt"] = raising(LookupError("x"))
    bench.paid()
    bench.deliver()
    bench.clock.advance(86_400)
    assert (_verify(bench).for_people, _verify(bench).findings) == (1, [])


def test_a_sweeper_that_does_not_run_is_found(bench: Bench) -> None:
    bench.notes.failing["receipt"] = raising(LookupError("x"))
    bench.paid()
    bench.deliver()
    bench.clock.advance(30 + 299)
    assert _verify(bench).findings == []
    bench.clock.advance(2)
    (finding,) = _verify(bench).findings
    assert (finding.promise, finding.what) == (4, "effects of version 2 are due since 2026-01-31 12:00:30Z")
    assert "sweeper" in finding.way_out


@pytest.mark.parametrize("late", [False, True])
def test_a_timer_that_is_missing_or_late_is_found(late: bool) -> None:
    bench = Bench(TIMED)
    bench.paid()
    bench.deliver()
    assert _verify(bench).findings == []
    if late:
        bench.clock.advance(1800 + 301)
    else:
        bench.store._timers.clear()
    (finding,) = _verify(bench).findings
    expected = (
        "its timer 'cancel' is due since 2026-01-31 12:30:00Z" if late else "state 'paid' has a timer, and none is set"
    )
    assert (finding.promise, finding.what) == (4, expected)


def test_an_entity_that_moves_meanwhile_is_looked_at_again(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.paid()
    bench.deliver()
    records, of = bench.store.records, bench.store.records.of
    looks: list[int] = []

    def half(kind: str, entity_id: str) -> object:
        looks.append(1)
        seen = of(kind, entity_id)
        return seen if len(looks) > 2 else seen._replace(events=seen.events[: len(looks) - 1])

    monkeypatch.setattr(records, "of", half)
    assert _verify(bench).findings == []
    assert len(looks) == 3


def test_a_kind_without_a_definition_is_named_and_not_judged(bench: Bench) -> None:
    bench.paid()
    bench.deploy(replace(ORDER, kind="other"))
    assert _verify(bench) == Verified(unknown=_verify(bench).unknown)
    assert dict(_verify(bench).unknown) == {"order": 1}


def test_an_old_event_that_owed_nothing_owes_nothing_because_of_a_newer_definition(bench: Bench) -> None:
    bench.deploy(ORDER)
    bench.paid()
    bench.deploy(replace(entering(ORDER, paid=["receipt"]), version=2))
    bench.clock.advance(600)
    assert (_verify(bench).findings, bench.flow.operations.reconcile().restored) == ([], [])


def test_one_share_that_fails_stops_the_others(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(900):
        bench.flow.create("order", str(number), {})
    told: list[int] = []
    already = set(threading.enumerate())

    def stop(so_far: Verified) -> None:
        told.append(so_far.entities)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        verify(bench.flow.runtime, bench.store.records, workers=2, on_progress=stop)
    # The pools of other tests may still be there, and are not waited for.
    while [thread for thread in set(threading.enumerate()) - already if thread.name.startswith("effects")]:
        gc.collect()
        time.sleep(0.01)
    assert told == [100]
