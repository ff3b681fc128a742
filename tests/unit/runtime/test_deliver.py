"""Every effect is committed once, in version order, and no entity is in another's way (promises 4, 5, 6)."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest

from tests.fakes.hooks import raising
from tests.unit.runtime.delivery import Bench
from workflow import Effect
from workflow.engine.events import fold
from workflow.errors import CascadeError, ThrottledError, TransitionError
from workflow.runtime.ask import Ask
from workflow.runtime.fire import fire
from workflow.runtime.ledger_entry import LedgerEntry, Outcome

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


def test_a_failing_effect_keeps_its_own_and_later_effects_of_its_entity_waiting(bench: Bench) -> None:
    bench.notes.failing["receipt"] = raising(ValueError("no printer"))
    bench.paid()
    bench.flow.fire("order", "42", "ship")
    delivered = bench.deliver()
    assert delivered.failed == list(bench.store.changes()[1:])
    assert (delivered.effects_done, delivered.effects_failed) == (1, 1)
    assert bench.statuses() == [(1, "greet", "done", 1), (2, "receipt", "failed", 1), (2, "loyalty", "owed", 0)]

    bench.notes.failing.clear()
    bench.notes.forget()
    bench.clock.advance(1)
    assert bench.deliver(*delivered.failed).failed == []
    assert bench.notes.ran == [("42", 2, "receipt", 2), ("42", 2, "loyalty", 1), ("42", 3, "notify", 1)]
    assert [status for _, _, status, _ in bench.statuses()] == ["done"] * 4


def test_a_hook_that_is_done_is_not_run_again_when_a_later_one_of_the_event_failed(bench: Bench) -> None:
    bench.notes.failing["loyalty"] = raising(ValueError("no points"))
    bench.paid()
    failed = bench.deliver().failed
    bench.notes.failing.clear()
    bench.notes.forget()
    bench.deliver(*failed)
    assert bench.notes.ran == [("42", 2, "loyalty", 2)]
    assert bench.statuses() == [(1, "greet", "done", 1), (2, "receipt", "done", 1), (2, "loyalty", "done", 2)]


def test_two_failing_entities_do_not_delay_the_others(bench: Bench) -> None:
    bench.notes.failing["receipt"] = lambda effect: 1 / int(effect.id not in ("a", "c"))
    changes = [change for entity_id in "abcd" for change in bench.paid(entity_id)]
    delivered = bench.deliver(*changes)
    assert {(change.entity_id, change.version) for change in delivered.failed} == {("a", 2), ("c", 2)}
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


def test_a_crash_between_run_and_commit_runs_the_effect_again_under_its_key(bench: Bench) -> None:
    (_, paid) = bench.paid()
    crashed = LedgerEntry(
        "order",
        "42",
        2,
        "gone",
        bench.clock.now() + timedelta(seconds=65),
        {"receipt": Outcome(), "loyalty": Outcome()},
    )
    bench.flow.runtime.ledger.claim(crashed, bench.clock.now())
    assert bench.deliver(paid).failed == [paid]
    assert bench.notes.ran == []

    bench.clock.advance(65)
    assert bench.deliver(paid).failed == []
    assert bench.notes.ran == [("42", 2, "receipt", 2), ("42", 2, "loyalty", 1)]


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


def test_what_a_hook_fires_happens_once_however_often_the_hook_runs(bench: Bench) -> None:
    def fire_and_crash(effect: Effect) -> None:
        effect.fire("ship", {"carrier": "DHL"})
        effect.fire("annotate", {"note": "paid too"}, id="other")
        effect.create("order", "child", {"total": 1})
        if effect.attempt < 3:
            raise ValueError("crashed after all of it")

    bench.flow.create("order", "other")
    bench.notes.failing["receipt"] = fire_and_crash
    (_, paid) = bench.paid()
    for _ in range(3):
        bench.deliver(paid)
        bench.clock.advance(1)
    assert bench.statuses() == [(2, "receipt", "done", 3), (2, "loyalty", "done", 1)]
    shipped = bench.flow.history("order", "42")[2:]
    noted = bench.flow.history("order", "other")[1:]
    born = bench.flow.history("order", "child")
    assert [event.trigger for event in (*shipped, *noted, *born)] == ["ship", "annotate", "create"]
    for event in (*shipped, *noted, *born):
        assert (event.cause, event.by, event.depth) == ("order#42#2#receipt", "hook:receipt", 1)
    assert bench.flow.get("order", "42").depth == 1


def test_a_hook_of_the_longest_id_may_fire_too(bench: Bench) -> None:
    bench.notes.failing["receipt"] = lambda effect: (
        effect.fire("annotate", {"note": "x"}),
        effect.create("order", "child"),
    )
    (_, paid) = bench.paid("i" * 900)
    assert bench.deliver(paid).failed == []
    assert bench.deliver(paid).failed == []
    assert [event.trigger for event in bench.flow.history("order", "i" * 900)] == ["create", "pay", "annotate"]


def test_a_hook_fires_on_its_own_entity_without_a_read(bench: Bench) -> None:
    bench.notes.failing["receipt"] = lambda effect: effect.fire("ship", {"carrier": "DHL"})
    (_, paid) = bench.paid()
    bench.store.reads = 0
    assert bench.deliver(paid).failed == []
    assert bench.store.reads == 0
    assert bench.flow.get("order", "42").state == "shipped"


def test_what_a_hook_fires_twice_in_one_run_is_fired_twice_and_repeated_not_again(bench: Bench) -> None:
    attempts = []

    def twice(effect: Effect) -> None:
        attempts.append(effect.attempt)
        fired = [effect.fire("annotate", {"note": f"{number} of {effect.attempt}"}) for number in (1, 2)]
        attempts.append([(accepted.event.version, accepted.repeated) for accepted in fired])
        if effect.attempt == 1:
            raise RuntimeError("died before it could say so")

    bench.notes.failing["receipt"] = twice
    (_, paid) = bench.paid()
    assert bench.deliver(paid).failed == [paid]
    assert bench.deliver(paid).failed == []
    assert attempts == [1, [(3, False), (4, False)], 2, [(3, True), (4, True)]]
    assert [event.payload for event in bench.flow.history("order", "42")[2:]] == [
        {"note": "1 of 1"},
        {"note": "2 of 1"},
    ]


def test_what_a_hook_creates_is_created_once_whatever_it_gives_when_it_is_repeated(bench: Bench) -> None:
    def opens(effect: Effect) -> None:
        effect.create("order", "43", {"email": f"{effect.attempt}@b.c"})
        if effect.attempt == 1:
            raise RuntimeError("died before it could say so")

    bench.notes.failing["receipt"] = opens
    (_, paid) = bench.paid()
    bench.deliver(paid)
    assert bench.deliver(paid).failed == []
    assert bench.flow.get("order", "43").data["email"] == "1@b.c"
    assert len(bench.flow.history("order", "43")) == 1


def test_a_hook_that_changes_what_it_was_given_changes_nothing_that_is_written(bench: Bench) -> None:
    def scribbles(effect: Effect) -> None:
        effect.entity.data["email"] = "scribbled"  # type: ignore[index]
        effect.event.payload["amount"] = 0  # type: ignore[index]
        effect.fire("annotate", {"note": "x"})

    seen = []
    bench.notes.failing["receipt"] = scribbles
    bench.notes.failing["loyalty"] = lambda effect: seen.append((effect.entity.data["email"], effect.event.payload))
    (_, paid) = bench.paid(email="a@b.c")
    assert bench.deliver(paid).failed == []
    assert bench.flow.get("order", "42").data["email"] == "a@b.c"
    assert fold(bench.flow.history("order", "42")) == bench.flow.get("order", "42")
    assert seen == [("a@b.c", {"amount": 1000})]


def test_a_held_entity_that_was_changed_in_place_changes_nothing_but_what_its_events_say(bench: Bench) -> None:
    bench.paid(email="a@b.c")
    held = bench.flow.get("order", "42")
    held.data["email"] = "scribbled"  # type: ignore[index]
    bench.flow.fire("order", "42", "annotate", {"note": "x"}, held=held)
    assert fold(bench.flow.history("order", "42")) == bench.flow.get("order", "42")


def test_effects_that_lead_one_to_another_in_a_circle_come_to_an_end(bench: Bench) -> None:
    entity = bench.flow.create("order", "42").entity
    with pytest.raises(CascadeError, match="16 effects have led one to another"):
        fire(bench.flow.runtime, Ask("order", entity.id, "cancel", depth=17))
    assert fire(bench.flow.runtime, Ask("order", entity.id, "cancel", depth=16)).event.depth == 16


def test_nothing_is_begun_when_the_time_of_a_delivery_is_nearly_up() -> None:
    bench = Bench(workers=1)
    bench.notes.failing["receipt"] = lambda effect: bench.clock.advance(58)
    (_, paid) = bench.paid()
    (_, other) = bench.paid("43")
    delivered = bench.deliver(paid, other)
    assert delivered.failed == [paid, other]
    assert bench.notes.ran == [("42", 2, "receipt", 1)]
    assert bench.statuses("43") == []
    del bench.notes.failing["receipt"]
    assert bench.deliver(paid, other).failed == []
    assert bench.notes.keys == ["order#42#2#receipt", "order#42#2#loyalty", "order#43#2#receipt", "order#43#2#loyalty"]


def test_what_was_refused_does_not_count_when_a_run_is_repeated(bench: Bench) -> None:
    def tries_until_it_may(effect: Effect) -> None:
        if effect.attempt == 1:
            with pytest.raises(TransitionError):
                effect.fire("ship", {"carrier": "DHL"}, id="43")
            bench.flow.fire("order", "43", "pay", {"amount": 1000})
        effect.fire("ship", {"carrier": "DHL"}, id="43")
        if effect.attempt == 1:
            raise RuntimeError("died before it could say so")

    bench.notes.failing["receipt"] = tries_until_it_may
    bench.flow.create("order", "43")
    (_, paid) = bench.paid()
    bench.deliver(paid)
    assert bench.deliver(paid).failed == []
    assert [event.trigger for event in bench.flow.history("order", "43")] == ["create", "pay", "ship"]


def test_a_hook_is_not_begun_when_the_claim_took_the_time(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = bench.flow.runtime.ledger
    claim = ledger.claim

    def slow(*given: Any) -> LedgerEntry:
        bench.clock.advance(59)
        return claim(*given)

    (_, paid) = bench.paid()
    with monkeypatch.context() as slowly:
        slowly.setattr(ledger, "claim", slow)
        assert bench.deliver(paid).failed == [paid]
    assert bench.notes.ran == []
    assert bench.deliver(paid).failed == []
    assert bench.statuses() == [(2, "receipt", "done", 1), (2, "loyalty", "done", 1)]


def test_a_ledger_that_fails_for_a_moment_does_not_make_a_hook_run_again(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = bench.flow.runtime.ledger
    commit, refused = ledger.commit, []

    def throttled_once(*given: Any) -> None:
        if not refused:
            refused.append(given)
            raise ThrottledError("slow down")
        commit(*given)

    monkeypatch.setattr(ledger, "commit", throttled_once)
    (_, paid) = bench.paid()
    assert bench.deliver(paid).failed == []
    assert bench.notes.ran == [("42", 2, "receipt", 1), ("42", 2, "loyalty", 1)]


def test_a_hook_that_returns_something_to_be_awaited_has_failed(bench: Bench) -> None:
    async def never_run() -> None:
        """Nobody awaits it."""

    bench.notes.failing["receipt"] = lambda effect: never_run()
    (_, paid) = bench.paid()
    assert bench.deliver(paid).failed == [paid]
    assert bench.statuses()[0] == (2, "receipt", "failed", 1)


def test_a_ledger_that_is_down_loses_nothing(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def down(*_: object) -> None:
        raise ThrottledError("slow down")

    changes = bench.paid()
    with monkeypatch.context() as outage:
        outage.setattr(bench.flow.runtime.ledger, "claim", down)
        assert bench.deliver().failed == changes
    assert bench.notes.ran == []
    with monkeypatch.context() as outage:
        outage.setattr(bench.flow.runtime.ledger, "commit", down)
        assert bench.deliver().failed == changes
    assert bench.notes.ran == [("42", 1, "greet", 1)]
    bench.clock.advance(66)
    assert bench.deliver().failed == []
    assert bench.notes.ran[1:] == [("42", 1, "greet", 2), ("42", 2, "receipt", 1), ("42", 2, "loyalty", 1)]
