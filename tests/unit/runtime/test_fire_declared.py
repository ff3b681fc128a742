"""What a definition declares to fire on other entities: once on each, and refusals where they can be seen."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import pytest

from tests.fakes.clock import FakeClock
from tests.fakes.stores import FaultyStore
from workflow import Workflow, hook
from workflow.definition.definition import Definitions
from workflow.definition.load import parse_definition
from workflow.errors import ThrottledError, UnknownHookError
from workflow.runtime.ask import Ask
from workflow.runtime.fire import fire
from workflow.runtime.ledger_entry import Outcome
from workflow.runtime.ports import Write
from workflow.testing import MemoryDelivery, MemoryStore

ORDER = """
kind: order
version: 1
initial: open
data:
  note:    {type: any, optional: true}
  arrived: {type: list, default: []}
states: {open: {}, closed: {final: true}}
transitions:
  arrive:
    from: open
    to: open
    requires: {parcel: string}
    sets: {arrived: "[data.arrived, [payload.parcel]][]"}
    guard: "length(data.arrived) < `3`"
  hold:  {from: open, to: open}
  close: {from: open, to: closed, sets: [note]}
"""
PARCEL = """
kind: parcel
version: 1
initial: new
data:
  order: {type: any, optional: true}
  note:  {type: any, optional: true}
states: {new: {}, there: {}, stuck: {final: true}}
transitions:
  land:
    from: new
    to: there
    effects:
      - fire: FIRE
      - sign
  stick: {from: there, to: stuck}
"""
ARRIVE: Mapping[str, Any] = {
    "kind": "order",
    "id": "data.order",
    "trigger": "arrive",
    "payload": {"parcel": "entity.id"},
}
EFFECT = "fire:order.arrive"


class Busy(MemoryStore):
    """A store that is too busy for orders as often as a test says."""

    busy = 0

    def commit(self, write: Write) -> Any:
        if write.event.kind == "order" and write.event.trigger == "arrive" and self.busy:
            self.busy -= 1
            raise ThrottledError("slow down")
        return super().commit(write)


class Bench:
    """Parcels that fire on orders, with a hook behind that."""

    def __init__(self, fire: Mapping[str, Any] = ARRIVE, *, store: MemoryStore | None = None, **said: Any) -> None:
        self.signed: list[str] = []

        @hook
        def sign(effect: Any) -> None:
            self.signed.append(effect.id)

        item = json.dumps(dict(fire)) + "".join(f"\n        {key}: {json.dumps(one)}" for key, one in said.items())
        definitions = Definitions((parse_definition(ORDER), parse_definition(PARCEL.replace("FIRE", item))))
        self.clock = FakeClock()
        self.store = store or FaultyStore()
        self.flow = Workflow(definitions, self.store, handlers=[sign], clock=self.clock)
        self.delivery = MemoryDelivery(self.flow)

    def land(self, id: str = "p1", payload: Mapping[str, object] | None = None, **data: object) -> None:
        self.flow.create("parcel", id, data)
        self.flow.fire("parcel", id, "land", payload or {})
        self.delivery.run()

    def outcome(self, effect: str = EFFECT, id: str = "p1") -> Outcome:
        (entry,) = self.flow.effects("parcel", id)
        return entry.outcomes[effect]

    def events(self, id: str) -> list[tuple[str, Mapping[str, object]]]:
        return [(event.trigger, event.payload) for event in self.flow.history("order", id)[1:]]


def test_it_is_fired_once_with_what_the_event_left_and_says_by_whom() -> None:
    bench = Bench()
    bench.flow.create("order", "42")
    bench.land(order="42")
    (event,) = bench.flow.history("order", "42")[1:]
    assert (event.trigger, event.payload, event.by, event.cause, event.depth) == (
        "arrive",
        {"parcel": "p1"},
        "hook:fire:order.arrive",
        "parcel#p1#2#fire:order.arrive",
        1,
    )
    assert (bench.outcome().status, bench.outcome().note, bench.signed) == ("done", "", ["p1"])


def test_one_id_or_a_list_of_them_text_or_whole_numbers_each_is_fired_on_once() -> None:
    bench = Bench()
    for id in ("1", "2", "3"):
        bench.flow.create("order", id)
    bench.land(order=["1", 2, "3", "1"])
    assert [bench.events(id) for id in ("1", "2", "3")] == [[("arrive", {"parcel": "p1"})]] * 3


def test_another_entity_is_created_with_the_payload_as_its_data() -> None:
    bench = Bench({"kind": "order", "id": "entity.id", "trigger": "create", "payload": {"note": "data.note"}})
    bench.land(note={"from": "afar"})
    bench.land("p2")
    assert [bench.flow.get("order", id).data for id in ("p1", "p2")] == [
        {"note": {"from": "afar"}, "arrived": []},
        {"arrived": []},
    ]


def test_what_gives_null_is_left_out_of_the_payload() -> None:
    bench = Bench({"kind": "order", "id": "data.order", "trigger": "close", "payload": {"note": "data.note"}})
    for id, note in (("1", "x"), ("2", None)):
        bench.flow.create("order", id)
        bench.land(f"p{id}", order=id, note=note)
    assert [bench.events(id) for id in ("1", "2")] == [[("close", {"note": "x"})], [("close", {})]]


@pytest.mark.parametrize("order", [None, []])
def test_nobody_to_fire_on_is_noted_and_what_comes_behind_it_runs(order: object) -> None:
    bench = Bench()
    bench.land(order=order)
    assert (bench.outcome().status, bench.outcome().note) == ("done", "nothing to fire: data.order gives no id")
    assert bench.signed == ["p1"]


@pytest.mark.parametrize("order", [1.5, True, {"id": 1}, "", ["42", None], [["42"]]])
def test_what_is_no_id_waits_for_a_person_and_nothing_is_fired(order: object) -> None:
    bench = Bench()
    bench.flow.create("order", "42")
    bench.land(order=order)
    assert bench.outcome().error == (
        "PayloadError: parcel#p1#2#fire:order.arrive: data.order gives what is no id: an id is text, or a whole number"
    )
    assert (bench.outcome().status, bench.outcome().attempts) == ("parked", 1)
    assert (bench.events("42"), bench.signed) == ([], [])


def test_a_thousand_may_be_fired_on_by_one_effect_and_one_more_may_not() -> None:
    bench = Bench(ARRIVE | {"on_refused": "skip"})
    bench.land(order=[str(number) for number in range(200)])
    bench.land("p2", order=[str(number) for number in range(201)])
    assert bench.outcome().note.startswith("200 of 200 refused: there is no order 0; create it first | there is no ")
    assert len(bench.outcome().note) < 510
    assert bench.outcome(id="p2").error.endswith("gives 201 ids; one effect fires on at most 200")


def test_an_expression_that_fails_waits_for_a_person_and_quotes_no_value() -> None:
    bench = Bench(ARRIVE | {"id": "join('-', data.order)"})
    bench.land(order="42")
    assert bench.outcome().status == "parked"
    assert bench.outcome().error.startswith(
        "PayloadError: parcel#p1#2#fire:order.arrive: id: \"join('-', data.order)\""
    )
    assert "42" not in bench.outcome().error


def test_the_event_is_read_only_where_an_expression_asks_for_its_payload(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reads = []
    for declared in (ARRIVE, ARRIVE | {"id": "payload.order"}):
        bench = Bench(declared)
        bench.flow.create("order", "42")
        bench.delivery.run()
        found = bench.store.find_event
        calls: list[int] = []
        monkeypatch.setattr(bench.store, "find_event", lambda *of, f=found, c=calls: c.append(of[-1]) or f(*of))
        bench.land(payload={"order": "42"}, order="42")
        reads.append(calls)
        assert [trigger for trigger, _ in bench.events("42")] == ["arrive"]
    assert reads == [[], [2]]


def test_an_unknown_entity_on_the_other_side_is_one_clear_error_and_the_rest_goes_on() -> None:
    bench = Bench()
    bench.flow.create("order", "42")
    bench.land("p1", order="no such")
    bench.land("p2", order="42")
    assert bench.outcome().error == "EntityNotFoundError: there is no order no such; create it first"
    assert (
        bench.flow.operations.explain("parcel", "p1")
        .reasons[0]
        .what.endswith(
            "it was refused, and trying again would change nothing (attempts: 1): "
            "EntityNotFoundError: there is no order no such; create it first"
        )
    )
    assert (bench.outcome(id="p2").status, bench.signed) == ("done", ["p2"])
    bench.flow.create("order", "no such")
    bench.flow.operations.redrive("parcel", "p1")
    bench.delivery.sweep()
    assert (bench.outcome().status, bench.events("no such")) == ("done", [("arrive", {"parcel": "p1"})])


REFUSALS = {
    "closed": "TransitionError: order closed: no transition 'arrive' from 'closed' (version 2); from here: nothing, "
    "the state is final",
    "full": "GuardError: order full: 'arrive' from 'open' (version 4) needs: length(data.arrived) < `3`",
}


def _refusing() -> tuple[Bench, Bench]:
    both = Bench(), Bench(ARRIVE | {"on_refused": "skip"})
    for bench in both:
        bench.flow.create("order", "42")
        bench.flow.create("order", "closed")
        bench.flow.fire("order", "closed", "close")
        bench.flow.create("order", "full")
        for number in range(3):
            bench.flow.fire("order", "full", "arrive", {"parcel": f"x{number}"})
    return both


@pytest.mark.parametrize("order", REFUSALS)
def test_a_refusal_waits_for_a_person_or_is_noted_as_on_refused_says(order: str) -> None:
    parks, skips = _refusing()
    parks.land(order=order)
    skips.land(order=order)
    assert (parks.outcome().status, parks.outcome().error, parks.signed) == ("parked", REFUSALS[order], [])
    refusal = REFUSALS[order].partition(": ")[2]
    assert (skips.outcome().status, skips.outcome().note) == ("done", f"refused: {refusal}")
    assert skips.signed == ["p1"]


def test_of_a_list_all_that_can_be_fired_on_are_and_each_refusal_is_told() -> None:
    parks, skips = _refusing()
    for bench in (parks, skips):
        bench.land(order=["closed", "gone", "42"])
        assert bench.events("42") == [("arrive", {"parcel": "p1"})]
    told = f"2 of 3 refused: {REFUSALS['closed'].partition(': ')[2]} | there is no order gone; create it first"
    assert (parks.outcome().status, parks.outcome().error) == ("parked", f"FireError: {told}")
    assert (skips.outcome().status, skips.outcome().note) == ("done", told)


def test_what_was_fired_on_before_a_person_came_is_not_fired_on_again() -> None:
    bench = Bench()
    bench.flow.create("order", "42")
    bench.land(order=["42", "late"])
    bench.flow.create("order", "late")
    bench.flow.operations.redrive("parcel", "p1")
    bench.delivery.sweep()
    assert bench.outcome().status == "done"
    assert [bench.events(id) for id in ("42", "late")] == [[("arrive", {"parcel": "p1"})]] * 2


def test_an_entity_that_is_there_already_was_not_created() -> None:
    fire = {"kind": "order", "id": "data.order", "trigger": "create"}
    parks, skips = Bench(fire), Bench(fire | {"on_refused": "skip"})
    for bench in (parks, skips):
        bench.flow.create("order", "42")
        bench.land(order="42")
    exists = (
        "order 42 exists already, in 'open' (version 1); give another id, or the same request id to repeat a request"
    )
    assert parks.outcome("fire:order.create").error == f"CreateError: {exists}"
    assert skips.outcome("fire:order.create").note == f"refused: {exists}"


def test_a_payload_that_does_not_fit_waits_for_a_person_whatever_on_refused_says() -> None:
    bench = Bench(ARRIVE | {"payload": {"parcel": "entity.version"}, "on_refused": "skip"})
    bench.flow.create("order", "42")
    bench.land(order="42")
    assert bench.outcome().status == "parked"
    assert bench.outcome().error.startswith("PayloadError: order 42: 'arrive': payload.parcel ")


def test_a_refusal_is_caught_by_the_class_of_its_error() -> None:
    bench = Bench(catch={"EntityNotFoundError": "stick"})
    bench.land(order="gone")
    assert (bench.outcome().status, bench.outcome().note) == ("caught", "caught by 'stick'")
    assert bench.flow.get("parcel", "p1").state == "stuck"


def test_what_is_fired_can_be_paused_resumed_and_skipped_by_its_name_as_a_hook_can() -> None:
    bench = Bench()
    bench.flow.create("order", "42")
    bench.flow.operations.pause(EFFECT, "the orders are being moved")
    bench.land(order="42")
    assert bench.events("42") == []
    assert (
        bench.flow.operations.explain("parcel", "p1")
        .reasons[0]
        .what.startswith("'fire:order.arrive' of version 2 waits: the hook is paused since ")
    )
    bench.flow.operations.resume(EFFECT)
    bench.delivery.sweep()
    assert bench.events("42") == [("arrive", {"parcel": "p1"})]
    bench.land("p2", order="gone")
    assert [entry.entity_id for entry in bench.flow.operations.parked(hook=EFFECT)] == ["p2"]
    bench.flow.operations.skip("parcel", "p2", "there never was such an order")
    bench.delivery.sweep()
    assert bench.signed == ["p1", "p2"]
    with pytest.raises(UnknownHookError, match=r"known: fire:order\.arrive, sign"):
        bench.flow.operations.pause("fire:order.land", "x")


def test_a_store_that_is_busy_is_asked_again_and_nothing_is_fired_twice() -> None:
    store = Busy()
    bench = Bench(store=store, retry={"attempts": 3, "first": "30s"})
    bench.flow.create("order", "1")
    bench.flow.create("order", "2")
    store.busy = 8
    bench.land(order=["1", "2"])
    assert (bench.outcome().status, bench.outcome().attempts) == ("failed", 1)
    assert bench.outcome().error.startswith("ThrottledError: order 1: 'arrive' was not recorded")
    bench.clock.advance(60)
    bench.delivery.sweep()
    assert (bench.outcome().status, bench.outcome().attempts) == ("done", 2)
    assert [bench.events(id) for id in ("1", "2")] == [[("arrive", {"parcel": "p1"})]] * 2


def test_a_run_that_was_cut_off_after_it_fired_fires_nothing_twice() -> None:
    bench = Bench()
    bench.flow.create("order", "42")
    bench.flow.create("parcel", "p1", {"order": "42"})
    # As the first run would have, before it was cut off.
    asked = f"parcel#p1#2#{EFFECT}"
    ask = Ask("order", "42", "arrive", {"parcel": "p1"}, f"{asked}>arrive", cause=asked, depth=1, own_request_id=True)
    fire(bench.flow.runtime, ask)
    bench.flow.fire("order", "42", "close")
    bench.flow.fire("parcel", "p1", "land")
    bench.delivery.run()
    assert (bench.outcome().status, bench.events("42")) == (
        "done",
        [("arrive", {"parcel": "p1"}), ("close", {})],
    )


def test_what_fires_is_not_imported_before_something_is_fired() -> None:
    script = "import sys, workflow.runtime.deliver; print('workflow.runtime.fire_declared' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True).stdout == "False\n"
