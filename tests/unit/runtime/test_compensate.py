"""What was done is taken back by a transition that compensates: the last first, each effect once, under the ledger."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.fakes.hooks import Notebook, raising
from tests.fakes.ledgers import Crash
from tests.fakes.uses import LATER
from tests.unit.runtime.delivery import Bench
from workflow import Effect, hook
from workflow.definition.definition import Definition, HookUse, Retry, State, Transition
from workflow.errors import GuardError, Refused
from workflow.runtime.archives.archive import Archiver
from workflow.runtime.archives.hydrate import hydrate
from workflow.runtime.archives.manifest import Selection
from workflow.runtime.archives.shelf import FolderShelf
from workflow.runtime.archives.source import ArchiveSource
from workflow.runtime.ledger_entry import OWED, RELEASED, LedgerEntry, Outcome
from workflow.runtime.marks import probe
from workflow.testing.memory_bulk import MemoryBulk

FLIGHT, HOTEL = "cancel_flight@1.flight", "cancel_hotel@2.hotel"


class NoCarError(Exception):
    pass


def _use(name: str, **said: object) -> HookUse:
    return HookUse(name, retry=LATER, undo=HookUse(f"cancel_{name}", retry=LATER), **said)  # type: ignore[arg-type]


TRIP = Definition(
    kind="order",
    version=1,
    initial="flying",
    data={},
    states={
        "flying": State("flying", on_enter=(_use("flight"), HookUse("note"))),
        "staying": State("staying", on_enter=(_use("hotel"),), on_exit=(HookUse("leave"),)),
        "driving": State("driving", on_enter=(_use("car", catch={"NoCarError": "fail"}),)),
        "failed": State("failed", on_enter=(HookUse("tell"),)),
        "over": State("over", final=True),
    },
    transitions=(
        Transition("stay", "flying", "staying"),
        Transition("drive", "staying", "driving"),
        Transition("fail", "driving", "failed", compensate=True),
        Transition("fail", "staying", "failed", compensate=True),
        Transition("again", "failed", "flying"),
        Transition("fail", "flying", "failed", compensate=True),
        Transition("end", "failed", "over", compensate=True),
    ),
)
NAMES = ("flight", "hotel", "car", "cancel_flight", "cancel_hotel", "cancel_car", "note", "leave", "tell")


def a_trip(*triggers: str, definition: Definition = TRIP, **said: object) -> Bench:
    """A trip that came so far; nothing of it is delivered."""
    bench = Bench(definition, notes=Notebook(*NAMES), workers=1, **said)  # type: ignore[arg-type]
    bench.flow.create("order", "42", {})
    for trigger in triggers:
        bench.flow.fire("order", "42", trigger)
    return bench


def hooks_run(bench: Bench) -> list[tuple[int, str]]:
    return [(version, hook) for _, version, hook, _ in bench.notes.ran]


def why_not_well(bench: Bench) -> list[str]:
    return [finding.what for finding in bench.flow.operations.verify().findings]


def without_undo(name: str) -> Definition:
    """The next version of the definition, in which the hook cannot be undone."""
    states = {
        key: replace(s, on_enter=tuple(replace(u, undo=None) if u.hook == name else u for u in s.on_enter))
        for key, s in TRIP.states.items()
    }
    return replace(TRIP, version=2, states=states)


def test_what_was_done_is_undone_the_last_first_between_leaving_and_entering() -> None:
    bench = a_trip("stay", "fail")
    assert bench.deliver().failed == []
    assert hooks_run(bench)[3:] == [(3, "leave"), (3, "cancel_hotel"), (3, "cancel_flight"), (3, "tell")]
    assert [hook for _, hook, _, _ in bench.statuses()[3:]] == ["leave", HOTEL, FLIGHT, "tell"]
    assert why_not_well(bench) == []


def test_the_hook_is_told_which_effect_it_undoes_and_has_a_key_of_its_own() -> None:
    seen = []

    @hook(name="cancel_flight")
    def cancel(effect: Effect) -> None:
        seen.append((effect.key, effect.undoes, effect.event.trigger))

    bench = Bench(TRIP, notes=Notebook(*(name for name in NAMES if name != "cancel_flight")), probes=[cancel])
    bench.flow.create("order", "42", {})
    bench.flow.fire("order", "42", "fail")
    bench.deliver()
    assert seen == [(f"order#42#2#{FLIGHT}", "order#42#1#flight", "fail")]


def test_an_effect_whose_error_was_caught_by_the_transition_was_not_done_and_is_not_undone() -> None:
    bench = a_trip("stay", "drive")
    bench.notes.failing["car"] = raising(NoCarError("no, and never"))
    bench.deliver()
    for _ in range(3):
        bench.sweep(after=600)
    bench.deliver()
    assert [effect for version, effect, _, _ in bench.statuses() if version == 4] == [HOTEL, FLIGHT, "tell"]
    assert bench.entry(3).outcomes["car"].status == "caught"
    assert why_not_well(bench) == []


def test_what_a_person_skipped_without_its_having_run_is_not_undone() -> None:
    bench = a_trip("stay", "fail")
    bench.notes.failing["hotel"] = raising(Refused("no"))
    bench.deliver()
    bench.flow.operations.skip("order", "42", "they sleep in the car")
    bench.sweep()
    assert [effect for version, effect, _, _ in bench.statuses() if version == 3] == ["leave", FLIGHT, "tell"]


def test_what_ran_well_is_undone_also_if_its_then_was_refused_and_a_person_skipped_it() -> None:
    state = State("staying", on_enter=(_use("hotel", then="drive"),))
    bench = a_trip(definition=replace(TRIP, states=TRIP.states | {"staying": state}))
    bench.flow.fire("order", "42", "stay")
    refusing = GuardError("not now")
    bench.flow.runtime.hooks.guards.clear()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("workflow.runtime.fire.fire", lambda *_: (_ for _ in ()).throw(refusing))
        bench.deliver()
    assert bench.waiting_for() == [(2, "hotel", "refused")]
    bench.flow.operations.skip("order", "42", "the rest by hand")
    bench.sweep()
    bench.flow.fire("order", "42", "fail")
    bench.deliver()
    assert hooks_run(bench)[-3:] == [(3, "cancel_hotel"), (3, "cancel_flight"), (3, "tell")]


def test_what_was_done_is_not_forgotten_when_a_later_attempt_at_the_same_effect_fails() -> None:
    done = Outcome("unknown", 1, undo="cancel_hotel")
    at = Bench().clock.now()
    assert done.ended("failed", at, 0, "no").undo == done.ended("done", at, 0).undo == "cancel_hotel"


def test_nothing_to_undo_leaves_what_the_transition_owes_besides() -> None:
    bench = a_trip("fail")
    bench.notes.failing["flight"] = raising(Refused("no"))
    bench.deliver()
    bench.flow.operations.skip("order", "42", "stay at home")
    bench.sweep()
    assert bench.statuses()[2:] == [(2, "tell", "done", 1)]


def test_a_compensation_that_finds_nothing_to_do_is_settled_and_holds_nobody_up() -> None:
    bench = a_trip("fail", "end")
    bench.deliver()
    assert bench.entry(3).outcomes == {}
    assert (bench.entry(3).settled, bench.waiting_for(), why_not_well(bench)) == (True, [], [])
    bench.deliver(bench.store.changes()[2])
    assert bench.entry(3).outcomes == {}


def test_a_second_compensation_undoes_only_what_was_done_since() -> None:
    bench = a_trip("fail", "again", "stay", "fail")
    bench.deliver()
    undone = [(version, hook) for version, hook in hooks_run(bench) if hook.startswith("cancel")]
    assert undone == [(2, "cancel_flight"), (5, "cancel_hotel"), (5, "cancel_flight")]
    assert list(bench.entry(5).outcomes) == ["leave", "cancel_hotel@4.hotel", "cancel_flight@3.flight", "tell"]
    assert why_not_well(bench) == []


def test_delivered_twice_it_undoes_once() -> None:
    bench = a_trip("stay", "fail")
    bench.deliver()
    bench.notes.forget()
    bench.deliver()
    assert bench.notes.ran == []


def test_it_waits_until_what_came_before_is_settled_and_then_undoes_that_as_well() -> None:
    bench = a_trip("stay", "fail")
    bench.notes.failing["hotel"] = raising(ConnectionError("down"))
    bench.deliver()
    assert bench.waiting_for() == [(2, "hotel", "retry")]
    assert bench.store.ledger.find("order", "42", 3) is None
    bench.notes.failing.clear()
    bench.notes.forget()
    bench.sweep(after=60)
    assert hooks_run(bench) == [(2, "hotel"), (3, "leave"), (3, "cancel_hotel"), (3, "cancel_flight"), (3, "tell")]


def test_an_undo_that_fails_is_put_aside_like_any_effect_and_a_redrive_goes_on_from_there() -> None:
    bench = a_trip("stay", "fail")
    bench.notes.failing["cancel_hotel"] = raising(ConnectionError("down"))
    bench.deliver()
    for _ in range(3):
        bench.sweep(after=600)
    assert bench.waiting_for() == [(3, HOTEL, "attempts")]
    [entry] = bench.flow.operations.parked(hook="cancel_hotel")
    assert entry.version == 3
    reason = bench.flow.operations.explain("order", "42").reasons[0]
    assert reason.what.startswith(f"'{HOTEL}' of version 3 waits for a person")
    bench.notes.failing.clear()
    bench.notes.forget()
    bench.flow.operations.redrive("order", "42")
    bench.sweep()
    assert hooks_run(bench) == [(3, "cancel_hotel"), (3, "cancel_flight"), (3, "tell")]
    assert why_not_well(bench) == []


def test_an_undo_that_a_person_skipped_is_never_owed_again() -> None:
    bench = a_trip("fail")
    bench.notes.failing["cancel_flight"] = raising(Refused("no refund"))
    bench.deliver()
    assert bench.flow.operations.skip("order", "42", "a voucher was sent") == FLIGHT
    bench.sweep()
    bench.flow.fire("order", "42", "end")
    bench.deliver()
    assert bench.entry(3).outcomes == {}
    assert why_not_well(bench) == []


def test_an_undo_is_tried_as_the_definition_says() -> None:
    use = replace(_use("flight"), undo=HookUse("cancel_flight", Retry(attempts=1)))
    bench = a_trip("fail", definition=replace(TRIP, states=TRIP.states | {"flying": State("flying", on_enter=(use,))}))
    bench.notes.failing["cancel_flight"] = raising(ConnectionError("down"))
    bench.deliver()
    assert bench.waiting_for() == [(2, FLIGHT, "attempts")]


@pytest.mark.parametrize(("on_unknown", "runs"), [("retry", 2), ("park", 1), ("verify", 1)])
def test_an_undo_that_was_cut_off_is_met_as_its_on_unknown_says(on_unknown: str, runs: int) -> None:
    use = replace(_use("flight"), undo=HookUse("cancel_flight", LATER, on_unknown=on_unknown))
    definition = replace(TRIP, states=TRIP.states | {"flying": State("flying", on_enter=(use,))})
    bench = a_trip("fail", definition=definition, probes=[probe(of="cancel_flight")(lambda effect: effect.undoes)])
    bench.notes.failing["cancel_flight"] = raising(Crash())
    with pytest.raises(Crash):
        bench.deliver()
    bench.notes.failing.clear()
    bench.clock.advance(65)
    bench.deliver()
    assert [hook for _, hook in hooks_run(bench)].count("cancel_flight") == runs
    assert bench.waiting_for() == ([(2, FLIGHT, "unknown")] if on_unknown == "park" else [])


def test_pausing_a_hook_pauses_the_effects_that_it_undoes() -> None:
    bench = a_trip("fail")
    bench.flow.operations.pause("cancel_flight", "the airline asked us to")
    bench.deliver()
    assert bench.waiting_for() == [(2, FLIGHT, "paused")]
    reason = bench.flow.operations.explain("order", "42").reasons[0]
    assert reason.way_out == "workflow resume cancel_flight"
    assert [entry.version for entry in bench.flow.operations.resume("cancel_flight")] == [2]
    bench.sweep()
    assert bench.waiting_for() == []


def test_for_the_alarm_an_undo_counts_under_its_hook() -> None:
    bench = a_trip("fail")
    bench.notes.failing["cancel_flight"] = raising(Refused("no refund"))
    assert bench.deliver().for_people == {("order", "cancel_flight"): 1}


def test_a_compensation_that_the_stream_lost_is_restored_whole() -> None:
    bench = a_trip("stay", "fail")
    bench.deliver(*bench.store.changes()[:2])
    bench.notes.forget()
    bench.clock.advance(600)
    assert bench.flow.operations.reconcile().restored == ["order 42 version 3"]
    assert list(bench.entry(3).outcomes) == ["leave", HOTEL, FLIGHT, "tell"]
    bench.sweep()
    assert hooks_run(bench) == [(3, "leave"), (3, "cancel_hotel"), (3, "cancel_flight"), (3, "tell")]


def test_a_lost_compensation_with_nothing_to_undo_is_restored_as_nothing() -> None:
    bench = a_trip("fail", "end")
    bench.deliver(*bench.store.changes()[:2])
    bench.clock.advance(600)
    assert bench.flow.operations.reconcile().restored == ["order 42 version 3"]
    bench.sweep()
    assert (bench.entry(3).outcomes, bench.entry(3).settled, bench.waiting_for()) == ({}, True, [])


def test_what_was_done_is_undone_by_the_hook_that_was_declared_when_it_was_done() -> None:
    bench = a_trip()
    bench.deliver()
    bench.deploy(TRIP, without_undo("flight"))
    bench.flow.fire("order", "42", "fail")
    bench.deliver()
    assert bench.statuses()[2:] == [(2, FLIGHT, "done", 1), (2, "tell", "done", 1)]


def test_what_was_done_before_it_could_be_undone_is_not_undone() -> None:
    bench = a_trip(definition=replace(without_undo("flight"), version=1))
    bench.deliver()
    bench.deploy(replace(TRIP, version=2))
    bench.flow.fire("order", "42", "fail")
    bench.deliver()
    assert [hook for _, hook in hooks_run(bench)] == ["flight", "note", "tell"]


def test_an_undo_hook_that_is_not_registered_is_visible_and_goes_on_once_it_is() -> None:
    bench = Bench(without_undo("hotel"), notes=Notebook(*NAMES), workers=1)
    bench.flow.create("order", "42", {})
    bench.flow.fire("order", "42", "fail")
    registered = bench.flow.runtime.hooks._hooks
    cancel = registered.pop("cancel_flight")
    bench.deliver()
    [parked] = [entry.parked for entry in bench.flow.effects("order", "42") if entry.parked]
    assert parked.error.startswith("HookNotRegisteredError: no handler module registers a hook 'cancel_flight'")
    registered["cancel_flight"] = cancel
    bench.sweep(after=600)
    assert bench.entry(2).settled


def test_undo_hooks_must_be_registered() -> None:
    with pytest.raises(Exception, match="no handler module registers hook 'cancel_car' \\(order\\)"):
        Bench(TRIP, notes=Notebook(*(name for name in NAMES if name != "cancel_car")))


def _tampered(change: dict[str, Outcome] | None, *, order: bool = False) -> list[str]:
    bench = a_trip("stay", "fail")
    bench.deliver()
    entry = bench.entry(3)
    outcomes = dict(reversed(entry.outcomes.items())) if order else {**entry.outcomes, **(change or {})}
    if change is None and not order:
        del outcomes[HOTEL]
    bench.store.ledger.put(entry._replace(outcomes=outcomes), entry)
    return why_not_well(bench)


def test_verify_tells_what_was_not_undone() -> None:
    assert _tampered(None) == ["version 3 compensates and does not undo 'hotel' of version 2"]


def test_verify_tells_what_was_undone_and_had_not_been_done() -> None:
    strange = {"cancel_car@1.car": Outcome("done", 1)}
    assert _tampered(strange) == ["version 3 undoes 'car' of version 1, which was not done, or undone before"]


def test_verify_tells_of_a_wrong_order() -> None:
    assert _tampered(None, order=True) == ["version 3 compensates, and not the last first"]


def test_verify_tells_of_a_compensation_that_forgot_everything() -> None:
    bench = a_trip("fail")
    bench.deliver()
    bench.flow.fire("order", "42", "end")
    entry = LedgerEntry("order", "42", 3, RELEASED, bench.clock.now(), {})
    bench.store.ledger.put(entry, None)
    undone = bench.entry(2)
    bench.store.ledger.put(undone._replace(outcomes={"tell": undone.outcomes["tell"]}), undone)
    assert why_not_well(bench) == [
        "version 2 compensates and does not undo 'flight' of version 1",
        "version 3 compensates and does not undo 'flight' of version 1",
    ]


def test_a_thousand_effects_are_undone_in_one_event() -> None:
    bench = a_trip()
    bench.deliver()
    entry, done = bench.entry(1), Outcome("done", 1, undo="cancel_flight")
    bench.store.ledger.put(entry._replace(outcomes={f"flight_{i}": done for i in range(1000)}), entry)
    bench.flow.fire("order", "42", "fail")
    bench.deliver()
    assert hooks_run(bench)[2:] == [(2, "cancel_flight")] * 1000 + [(2, "tell")]
    assert next(iter(bench.entry(2).outcomes)) == "cancel_flight@1.flight_999"


def test_an_effect_that_is_owed_stands_as_such_before_anybody_began_it() -> None:
    bench = a_trip("fail")
    bench.deliver(bench.store.changes()[0])
    blocking = bench.flow.operations.explain("order", "42").blocking
    assert blocking is not None
    assert (blocking.hooks, blocking.entry) == ((FLIGHT, "tell"), None)
    assert OWED.undo == ""


def test_a_redrive_asks_the_probe_of_an_undo_whose_end_nobody_knows() -> None:
    said: list[object] = [None, TimeoutError("no answer"), True]
    asked = []

    def answer(effect: Effect) -> object:
        asked.append(effect.undoes)
        found = said[len(asked) - 1]
        if isinstance(found, Exception):
            raise found
        return found

    use = replace(
        _use("flight"), undo=HookUse("cancel_flight", Retry(attempts=2, first_seconds=30), on_unknown="verify")
    )
    definition = replace(TRIP, states=TRIP.states | {"flying": State("flying", on_enter=(use,))})
    bench = a_trip("fail", definition=definition, probes=[probe(of="cancel_flight")(answer)])
    bench.notes.failing["cancel_flight"] = raising(Crash())
    for _ in range(2):
        with pytest.raises(Crash):
            bench.deliver()
        bench.clock.advance(65)
    bench.deliver()
    assert bench.waiting_for() == [(2, FLIGHT, "unknown")]
    bench.notes.failing.clear()
    bench.flow.operations.redrive("order", "42")
    bench.sweep()
    assert asked == ["order#42#1#flight"] * 3
    assert [hook for _, hook in hooks_run(bench)] == ["flight", "cancel_flight", "cancel_flight", "tell"]


def test_undos_of_different_effects_run_together_if_their_hook_is_batched() -> None:
    batches: list[list[str]] = []

    @hook(name="cancel_flight", batch=10)
    def cancel(effects: list[Effect]) -> None:
        batches.append(sorted(effect.undoes for effect in effects))

    bench = Bench(TRIP, notes=Notebook(*(name for name in NAMES if name != "cancel_flight")), probes=[cancel])
    for number in "12":
        bench.flow.create("order", number, {})
    for trigger in ("fail", "again"):
        bench.flow.fire("order", "2", trigger)
    bench.deliver()
    batches.clear()
    for number in "12":
        bench.flow.fire("order", number, "fail")
    bench.deliver()
    assert batches == [["order#1#1#flight", "order#2#3#flight"]]


def test_what_was_done_by_a_batched_hook_is_undone() -> None:
    @hook(name="flight", batch=10)
    def fly(effects: list[Effect]) -> None:
        pass

    bench = Bench(TRIP, notes=Notebook(*(name for name in NAMES if name != "flight")), probes=[fly])
    bench.flow.create("order", "42", {})
    bench.flow.fire("order", "42", "fail")
    bench.deliver()
    assert bench.statuses()[2:] == [(2, FLIGHT, "done", 1), (2, "tell", "done", 1)]


def test_what_can_be_undone_still_can_be_on_a_table_that_was_hydrated(tmp_path: Path) -> None:
    bench = a_trip("fail", "again", "stay")
    bench.deliver()
    Archiver(bench.store.records, bench.clock, FolderShelf(tmp_path), Selection()).archive()
    other = Bench(TRIP, notes=Notebook(*NAMES), workers=1, clock=bench.clock)
    hydrate(other.flow.runtime, MemoryBulk(other.store), ArchiveSource(FolderShelf(tmp_path), bench.clock))
    assert why_not_well(other) == []
    assert [(version, effect) for version, effect, _, _ in other.statuses()] == [
        (version, effect) for version, effect, _, _ in bench.statuses()
    ]
    other.flow.fire("order", "42", "fail")
    other.deliver()
    assert hooks_run(other) == [(5, "leave"), (5, "cancel_hotel"), (5, "cancel_flight"), (5, "tell")]
    assert why_not_well(other) == []
