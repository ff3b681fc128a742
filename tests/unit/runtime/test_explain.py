"""Explain gives the reason that matters first, and a way out that can be copied into a shell."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.fakes.hooks import raising
from tests.fakes.uses import LATER, using
from tests.samples import ORDER, entering
from tests.unit.runtime.delivery import HOOKED, Bench
from workflow.definition.definition import State, Timer
from workflow.errors import EntityNotFoundError, HistoryConflictError, Refused
from workflow.runtime.ledger_entry import OWED, LedgerEntry
from workflow.runtime.ports import Violation
from workflow.runtime.reason import Reason

TIMED = replace(ORDER, states={**ORDER.states, "placed": State("placed", timers=(Timer(1800, "cancel"),))})


class NoSuchAddress(Refused):
    """What a hook raises where trying again changes nothing."""


def _reasons(bench: Bench, entity_id: str = "42") -> list[Reason]:
    return list(bench.flow.operations.explain("order", entity_id).reasons)


def test_an_entity_that_waits_for_a_trigger(bench: Bench) -> None:
    bench.paid()
    bench.deliver()
    told = bench.flow.operations.explain("order", "42")
    assert told.reasons == [Reason("nothing holds it up: it waits for a trigger")]
    assert [way.trigger for way in told.ways] == ["ship", "annotate", "cancel"]
    assert (told.blocking, told.waiting, told.timer) == (None, [], None)


def test_an_entity_at_its_end(bench: Bench) -> None:
    bench.flow.create("order", "42", {})
    bench.flow.fire("order", "42", "cancel")
    bench.deliver()
    assert _reasons(bench) == [Reason("nothing holds it up: 'cancelled' is final, it is where it was going")]


def test_a_state_that_nothing_leads_on_from(bench: Bench) -> None:
    bench.paid()
    bench.flow.fire("order", "42", "ship")
    bench.deliver()
    assert _reasons(bench)[0].what == "nothing leads on from 'shipped'"


def test_a_state_that_the_definition_has_no_more(bench: Bench) -> None:
    bench.deploy(ORDER)
    bench.paid()
    states = {name: state for name, state in ORDER.states.items() if name != "paid"}
    bench.deploy(replace(ORDER, version=2, states=states, transitions=ORDER.transitions[4:6]))
    assert _reasons(bench)[0].what == "its state 'paid' is not in the definition in force"


def test_a_timer_that_will_fire_or_was_refused() -> None:
    bench = Bench(TIMED)
    bench.flow.create("order", "42", {})
    assert _reasons(bench) == [Reason("nothing holds it up: it waits for a trigger, or for its timer in 30m")]
    timer = bench.store.find_timer("order", "42")
    assert timer is not None
    bench.store.change_timer(timer, timer._replace(refused="no guard holds"))
    assert _reasons(bench)[0].what == (
        "its timer fired 'cancel' at 2026-01-31 12:30:00Z, which was refused: no guard holds"
    )


def test_effects_that_nobody_has_begun(bench: Bench) -> None:
    bench.paid()
    bench.clock.advance(90)
    told = bench.flow.operations.explain("order", "42")
    assert told.reasons[0] == Reason(
        "the effects of version 1 were not begun yet (it was made 1m30s ago)",
        "if this lasts longer than the stream takes: workflow reconcile",
    )
    assert [standing.event.version for standing in told.waiting] == [2]


def _entry(bench: Bench, lease_seconds: float) -> None:
    until = bench.clock.now() + timedelta(seconds=lease_seconds)
    entry = LedgerEntry("order", "42", 1, "somebody", until, {"greet": OWED})
    bench.store.ledger.put(entry, None)


def test_effects_that_are_being_run(bench: Bench) -> None:
    bench.paid()
    _entry(bench, 30)
    assert _reasons(bench) == [Reason("'greet' of version 1 is being run, until 2026-01-31 12:00:30Z at most")]


def test_a_run_that_was_cut_off(bench: Bench) -> None:
    bench.paid()
    _entry(bench, -30)
    assert _reasons(bench) == [
        Reason(
            "a run of 'greet' of version 1 was cut off; the stream delivers it again",
            "if this lasts: workflow reconcile",
        )
    ]


def test_a_failed_effect_that_is_tried_again(bench: Bench) -> None:
    bench.notes.failing["receipt"] = raising(ValueError("x"))
    bench.paid()
    bench.deliver()
    bench.clock.advance(10)
    assert _reasons(bench) == [
        Reason(
            "'receipt' of version 2 failed (attempts: 1): ValueError: x; put aside since 2026-01-31 12:00:00Z "
            "(10s ago), next try in 20s",
            "sooner: workflow redrive order 42",
        )
    ]


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (ValueError("x"), "all its attempts failed (attempts: 1): ValueError: x"),
        (
            NoSuchAddress("x"),
            "it was refused, and trying again would change nothing (attempts: 1): NoSuchAddress: x",
        ),
    ],
)
def test_an_effect_that_waits_for_a_person(error: Exception, why: str) -> None:
    bench = Bench(using(HOOKED, retry=replace(LATER, attempts=1)))
    bench.notes.failing["receipt"] = raising(error)
    bench.paid()
    bench.deliver()
    assert _reasons(bench) == [
        Reason(
            f"'receipt' of version 2 waits for a person since 2026-01-31 12:00:00Z (0s ago): {why}",
            "workflow redrive order 42 or workflow skip order 42 --reason '...'",
        )
    ]


@pytest.mark.parametrize("delivered", [False, True])
def test_a_paused_hook_is_the_reason_from_the_beginning(bench: Bench, delivered: bool) -> None:
    bench.deploy(entering(ORDER, paid=["receipt"]))
    bench.flow.operations.pause("receipt", "the provider is down")
    bench.paid()
    if delivered:
        bench.deliver()
    assert _reasons(bench)[0] == Reason(
        "'receipt' of version 2 waits: the hook is paused since 2026-01-31 12:00:00Z: the provider is down",
        "workflow resume receipt",
    )


def test_a_definition_that_is_not_deployed(bench: Bench) -> None:
    bench.deploy(replace(HOOKED, version=2))
    bench.paid()
    bench.deploy(HOOKED)
    first, second = _reasons(bench)[:2]
    assert first.what == "version 2 of its definition is not loaded here; what version 1 owes is not known"
    assert second.what.startswith("the effects of version 1 were not begun yet")


def test_what_was_reconciled_and_awaits_its_sweep(bench: Bench) -> None:
    bench.paid()
    bench.clock.advance(600)
    bench.flow.operations.reconcile()
    assert _reasons(bench)[0].what == (
        "the stream did not bring version 1; reconciled since 2026-01-31 12:10:00Z (0s ago); "
        "goes on with the next sweep"
    )


def test_violations_are_told_after_what_holds_it_up(bench: Bench) -> None:
    bench.paid()
    bench.deliver()
    at = bench.clock.now()
    bench.store.record_violation(Violation("order", "42", "7", at, "it was deleted", "", "", 2, 2))
    assert [reason.what for reason in _reasons(bench)] == [
        "nothing holds it up: it waits for a trigger",
        "was changed past the framework at 2026-01-31 12:00:00Z: it was deleted",
    ]


def test_a_history_with_a_gap(bench: Bench) -> None:
    bench.paid()
    del bench.store._events["order", "42"][1]
    (reason,) = _reasons(bench)
    assert "its history cannot be read" in reason.what
    assert reason.way_out == "restore it from its history or a backup"


def test_an_entity_that_is_not_there_or_was_deleted_or_damaged(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(EntityNotFoundError, match=r"^there is no order 42$"):
        _reasons(bench)
    bench.paid()
    bench.store.delete("order", "42")
    with pytest.raises(EntityNotFoundError, match="any more; its history of 2 events is still there"):
        _reasons(bench)
    damage = "item order#42 entity was changed by hand: it lacks 'version'"
    found = bench.store.records.of("order", "42")._replace(damaged={"entity": damage})
    monkeypatch.setattr(bench.store.records, "of", lambda kind, entity_id: found)
    with pytest.raises(HistoryConflictError, match=f"^order 42: {damage}$"):
        _reasons(bench)


@pytest.mark.parametrize(
    ("entity_id", "way_out"),
    [
        ("$(reboot)", "sooner: workflow redrive order '$(reboot)'"),
        ("-1", "sooner: workflow redrive -- order -1"),
    ],
)
def test_a_strange_id_cannot_make_a_copied_line_do_something_else(bench: Bench, entity_id: str, way_out: str) -> None:
    bench.notes.failing["receipt"] = raising(ValueError("x"))
    bench.paid(entity_id)
    bench.deliver()
    assert _reasons(bench, entity_id)[0].way_out == way_out
