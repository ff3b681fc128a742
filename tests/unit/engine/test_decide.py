"""Deciding: the same answer for the same input, every refusal in words, nothing done."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from tests.samples import COUNTER, ORDER
from workflow.definition.definition import Definition, Field, Guard, State, Transition
from workflow.engine.decide import Command, decide, decide_creation
from workflow.engine.entity import Entity
from workflow.engine.events import Event
from workflow.engine.machine import Machine
from workflow.errors import GuardError, PayloadError, Refused, TransitionError

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


def _entity(definition: Definition = ORDER, **more: Any) -> Entity:
    entity = Entity(definition.kind, "42", definition.initial, 3, {"total": 100}, 1, "e3", "reprice", NOW, NOW)
    return entity._replace(**more)


def _decide(
    definition: Definition, trigger: str, payload: Any = None, *, guards: Any = None, **entity: Any
) -> Event | Refused:
    machine = Machine(definition, guards or {})
    return decide(machine, _entity(definition, **entity), Command(trigger, payload or {}, "e4"), NOW)


def test_an_accepted_trigger_is_the_next_event() -> None:
    command = Command("pay", {"amount": "100.0", "tip": 5}, "e4", "eva", "r", "order#1#1#greet", 2)
    assert decide(Machine(ORDER, {}), _entity(), command, NOW) == Event(
        kind="order",
        entity_id="42",
        version=4,
        id="e4",
        trigger="pay",
        source="placed",
        target="paid",
        at=NOW,
        definition=1,
        payload={"amount": 100, "tip": 5},
        changes={},
        by="eva",
        request_id="r",
        cause="order#1#1#greet",
        depth=2,
    )


def test_deciding_changes_neither_entity_nor_payload() -> None:
    entity, payload = _entity(), {"amount": "100", "nested": {"list": [1]}}
    decide(Machine(ORDER, {}), entity, Command("pay", payload, "e4"), NOW)
    assert entity == _entity()
    assert payload == {"amount": "100", "nested": {"list": [1]}}


def _guarded(*transitions: Transition) -> Definition:
    return replace(ORDER, transitions=transitions)


def _way(target: str, guard: Guard | None = None, **more: Any) -> Transition:
    return Transition("go", "placed", target, guard=guard, **more)


def test_the_first_way_whose_guard_holds_is_taken() -> None:
    forked = _guarded(
        _way("paid", Guard("payload.n > `2`")), _way("shipped", Guard("payload.n > `1`")), _way("cancelled")
    )
    for number, target in ((3, "paid"), (2, "shipped"), (1, "cancelled")):
        event = _decide(forked, "go", {"n": number})
        assert isinstance(event, Event)
        assert event.target == target


def test_a_way_whose_payload_is_not_there_is_passed_over() -> None:
    forked = _guarded(_way("paid", requires={"amount": Field("amount", "decimal")}), _way("cancelled"))
    without, with_it = _decide(forked, "go"), _decide(forked, "go", {"amount": "5"})
    assert isinstance(without, Event)
    assert isinstance(with_it, Event)
    assert (without.target, with_it.target, with_it.payload) == ("cancelled", "paid", {"amount": 5})


def test_a_payload_is_fitted_for_each_way_from_what_was_given() -> None:
    forked = _guarded(
        _way("paid", Guard("`false`"), requires={"n": Field("n", "decimal")}),
        _way("cancelled", requires={"n": Field("n", "string")}),
    )
    event = _decide(forked, "go", {"n": "5"})
    assert isinstance(event, Event)
    assert (event.target, event.payload) == ("cancelled", {"n": "5"})


def test_a_refusal_names_every_guard_that_did_not_hold() -> None:
    forked = _guarded(_way("paid", Guard("payload.n > `2`")), _way("shipped", Guard(function="enough")))
    refusal = _decide(forked, "go", {"n": 1}, guards={"enough": lambda seen: False})
    assert isinstance(refusal, GuardError)
    assert str(refusal) == "order 42: 'go' from 'placed' (version 3) needs: payload.n > `2` or enough()"
    assert refusal.allowed == ("go",)


@pytest.mark.parametrize("held", [True, 1, "yes", [0], {"a": 1}])
def test_a_python_guard_may_answer_with_anything_true(held: object) -> None:
    assert isinstance(_decide(_guarded(_way("paid", Guard(function="g"))), "go", guards={"g": lambda _: held}), Event)


def test_a_python_guard_sees_payload_data_and_entity() -> None:
    seen: list[Any] = []
    _decide(_guarded(_way("paid", Guard(function="see"))), "go", {"n": 1}, guards={"see": seen.append})
    assert seen == [
        {
            "payload": {"n": 1},
            "data": {"total": 100},
            "entity": {"kind": "order", "id": "42", "state": "placed", "version": 3},
        }
    ]


def test_a_python_guard_cannot_change_what_is_written() -> None:
    def meddle(seen: dict[str, Any]) -> bool:
        seen["payload"]["note"].append("meddled")
        seen["payload"]["more"] = 1
        seen["data"]["lines"].append("meddled")
        return True

    meddled = _guarded(_way("paid", Guard(function="meddle"), sets={"note": None}))
    entity = _entity(data={"lines": ["a"]})
    event = decide(Machine(meddled, {"meddle": meddle}), entity, Command("go", {"note": ["x"]}, "e4"), NOW)
    assert isinstance(event, Event)
    assert (event.payload, event.changes) == ({"note": ["x"]}, {"note": ["x"]})
    assert entity.data == {"lines": ["a"]}


def test_what_is_wrong_within_a_sensitive_field_of_the_payload_is_told_without_its_keys() -> None:
    hidden = replace(ORDER, data={**ORDER.data, "card": Field("card", "map", sensitive=True, optional=True)})
    for given in ({"card": {"4111-1111": b"x"}}, {"card": {4111: "x"}}, {"card": [{"4111": object()}]}):
        for refusal in (
            _decide(hidden, "annotate", given),
            decide_creation(hidden, "42", Command("create", given, "e1"), NOW),
        ):
            assert isinstance(refusal, PayloadError)
            assert "4111" not in str(refusal)
            assert ".card" in str(refusal)


def test_a_guard_that_breaks_refuses_without_quoting_what_it_saw() -> None:
    def broken(seen: dict[str, Any]) -> bool:
        raise KeyError(seen["payload"]["card"])

    refusal = _decide(
        _guarded(_way("paid", Guard(function="broken"))), "go", {"card": "4111"}, guards={"broken": broken}
    )
    assert isinstance(refusal, GuardError)
    assert str(refusal) == "order 42: 'go': the guard 'broken' failed: KeyError"
    assert isinstance(refusal.__cause__, KeyError)


def test_an_expression_that_breaks_refuses_without_quoting_what_it_saw() -> None:
    refusal = _decide(_guarded(_way("paid", Guard("length(payload.card) > `2`"))), "go", {"card": 4111})
    assert isinstance(refusal, GuardError)
    assert "4111" not in str(refusal)
    assert "length() does not take" in str(refusal)


def test_a_guard_that_nobody_registers_says_where_it_belongs() -> None:
    refusal = _decide(_guarded(_way("paid", Guard(function="enough"))), "go")
    assert isinstance(refusal, GuardError)
    assert "the guard 'enough', which no handler module registers; add it with @guard" in str(refusal)


def test_what_a_transition_does_not_set_stays_as_it_is() -> None:
    event = _decide(ORDER, "annotate", {"total": 5, "note": ["x"], "carrier": "DHL"})
    assert isinstance(event, Event)
    assert event.changes == {"note": ["x"]}


def test_a_field_that_is_set_by_name_is_left_alone_when_the_payload_lacks_it() -> None:
    event = _decide(ORDER, "annotate", {})
    assert isinstance(event, Event)
    assert event.changes == {}


def test_null_clears_an_optional_field_and_no_other() -> None:
    event = _decide(ORDER, "annotate", {"note": None})
    assert isinstance(event, Event)
    assert event.changes == {"note": None}
    refusal = _decide(ORDER, "reprice", {"total": None})
    assert isinstance(refusal, PayloadError)
    assert "data.total is null" in str(refusal)


def test_a_mapping_computes_on_exact_numbers() -> None:
    sums = replace(
        COUNTER,
        data={"count": Field("count", "decimal")},
        transitions=(Transition("add", "counting", "counting", sets={"count": "sum([data.count, payload.n])"}),),
    )
    event = _decide(sums, "add", {"n": 0.2}, data={"count": Decimal("0.1")})
    assert isinstance(event, Event)
    assert event.changes == {"count": Decimal("0.3")}


@pytest.mark.parametrize(
    ("mapping", "words"),
    [
        ("payload.n", "data.count takes a whole number"),
        ("sum(payload.list)", "sum() does not take"),
        ("payload.missing", "'add': payload.missing is missing"),
        ("payload.missing || payload.gone", "payload.gone is missing; payload.missing is missing"),
        ("payload.missing || data.gone", "data.count is null"),
        ("payload.huge[0]", "data.count is null"),
        ("payload | missing", "payload.missing is missing"),
        ("`null`", "data.count is null"),
        ("to_number(payload.huge)", "data.count"),
    ],
)
def test_a_mapping_whose_value_does_not_fit_refuses(mapping: str, words: str) -> None:
    odd = replace(COUNTER, transitions=(Transition("add", "counting", "counting", sets={"count": mapping}),))
    refusal = _decide(odd, "add", {"n": "many", "list": "no list", "huge": "1.5"}, data={"count": 1})
    assert isinstance(refusal, Refused)
    assert words in str(refusal)


def test_a_state_that_the_definition_lost_says_what_to_do() -> None:
    refusal = _decide(ORDER, "pay", {"amount": 100}, state="lost")
    assert isinstance(refusal, TransitionError)
    assert str(refusal) == (
        "order 42: its state 'lost' (version 3) is not in version 1 of the definition; declare it there, with a way out"
    )


def test_a_creation_takes_defaults_and_drops_what_is_null() -> None:
    event = decide_creation(ORDER, "42", Command("create", {"note": None, "carrier": ""}, "e1"), NOW)
    assert isinstance(event, Event)
    assert (event.payload, event.changes) == ({"carrier": "", "total": 0}, {"carrier": "", "total": 0})
    assert (event.version, event.source, event.target) == (1, "", "placed")


def test_a_creation_with_a_misspelt_name_says_which_was_probably_meant() -> None:
    refusal = decide_creation(ORDER, "42", Command("create", {"tota": 1, "zzz": 1}, "e1"), NOW)
    assert isinstance(refusal, PayloadError)
    assert "data.tota is not declared (did you mean 'total'?); data.zzz is not declared; declared: " in str(refusal)


def test_two_mappings_that_lack_one_name_say_so_once() -> None:
    twice = replace(
        COUNTER,
        data={"a": Field("a", "integer"), "b": Field("b", "integer")},
        transitions=(Transition("add", "counting", "counting", sets={"a": "payload.n", "b": "payload.n"}),),
    )
    refusal = _decide(twice, "add", data={"a": 1, "b": 1})
    assert isinstance(refusal, PayloadError)
    assert str(refusal).endswith("'add': payload.n is missing")


def test_triggers_and_states_of_any_name_stay_names() -> None:
    names = ["trigger", "state", "initial", "model", "to_paid", "is_paid", "self", "os_system", "final"]
    odd = Definition(
        kind="odd",
        version=1,
        initial=names[0],
        data={},
        states={name: State(name) for name in names},
        transitions=tuple(Transition(name, names[0], name, guard=Guard(function=name)) for name in names),
    )
    for name in names:
        event = _decide(odd, name, guards={name: lambda _: True})
        assert isinstance(event, Event)
        assert event.target == name
