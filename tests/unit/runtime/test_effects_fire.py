"""What a hook fires and creates happens once, however often the hook runs (promises 1 and 4)."""

from __future__ import annotations

import pytest

from tests.unit.runtime.delivery import Bench
from workflow import Effect
from workflow.engine.events import fold
from workflow.errors import CascadeError, TransitionError
from workflow.runtime.ask import Ask
from workflow.runtime.fire import fire


def test_what_a_hook_fires_happens_once_however_often_the_hook_runs(bench: Bench) -> None:
    def fire_and_crash(effect: Effect) -> None:
        effect.fire("ship", {"carrier": "DHL"})
        effect.fire("annotate", {"note": "paid too"}, id="other")
        effect.create("order", "child", {"total": 1})
        if effect.attempt < 3:
            raise ValueError("crashed after all of it")

    bench.flow.create("order", "other")
    bench.notes.failing["receipt"] = fire_and_crash
    paid = bench.only_paid()
    assert bench.deliver(paid).failed == []
    for wait in (30, 60):
        bench.sweep(after=wait)
    assert bench.statuses() == [
        (1, "greet", "done", 1),
        (2, "receipt", "done", 3),
        (2, "loyalty", "done", 1),
        (3, "notify", "done", 1),
    ]
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
    paid = bench.only_paid("i" * 900)
    for _ in range(2):
        assert bench.deliver(paid).failed == []
    assert [event.trigger for event in bench.flow.history("order", "i" * 900)] == ["create", "pay", "annotate"]


def test_a_hook_fires_on_its_own_entity_without_a_read(bench: Bench) -> None:
    bench.notes.failing["receipt"] = lambda effect: effect.fire("ship", {"carrier": "DHL"})
    paid = bench.only_paid()
    bench.store.reads = 0
    assert bench.deliver(paid).failed == []
    assert bench.store.reads == 0
    assert bench.flow.get("order", "42").state == "shipped"


def test_what_a_hook_fires_twice_in_one_run_is_fired_twice_and_repeated_not_again(bench: Bench) -> None:
    attempts = []

    def twice(effect: Effect) -> None:
        if effect.version > 2:
            return
        attempts.append(effect.attempt)
        fired = [effect.fire("annotate", {"note": f"{number} of {effect.attempt}"}) for number in (1, 2)]
        attempts.append([(accepted.event.version, accepted.repeated) for accepted in fired])
        if effect.attempt == 1:
            raise RuntimeError("died before it could say so")

    bench.notes.failing["receipt"] = twice
    paid = bench.only_paid()
    assert bench.deliver(paid).put_aside == 1
    assert bench.sweep(after=30).effects_done == 6
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
    paid = bench.only_paid()
    assert bench.deliver(paid).put_aside == 1
    assert bench.sweep(after=30).effects_done == 2
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
    paid = bench.only_paid(email="a@b.c")
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
    paid = bench.only_paid()
    assert bench.deliver(paid).put_aside == 1
    assert bench.sweep(after=30).effects_done == 2
    assert [event.trigger for event in bench.flow.history("order", "43")] == ["create", "pay", "ship"]
