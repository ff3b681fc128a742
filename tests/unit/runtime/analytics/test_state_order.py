"""States in the order in which a life passes through them."""

from __future__ import annotations

from itertools import pairwise

from tests.samples import JOB, ORDER
from workflow.definition.definition import Definition, State, Transition
from workflow.definition.load import load_definitions
from workflow.runtime.analytics.state_order import in_order


def test_each_state_comes_before_those_that_it_leads_to():
    assert in_order(ORDER) == ["placed", "paid", "shipped", "cancelled"]


def test_the_order_does_not_depend_on_how_the_states_are_written_down():
    definition = load_definitions("definitions").find("order")
    assert definition
    expected = "placed paid packed shipped delivered returned partly_refunded refunded cancelled"
    assert " ".join(in_order(definition)) == expected
    mixed = ["cancelled", "shipped", "refunded", "placed", "paid", "packed", "partly_refunded", "returned", "delivered"]
    turned = Definition(**{**vars_of(definition), "states": {name: definition.states[name] for name in mixed}})
    found = in_order(turned)
    assert found[0] == "placed"
    for before, after in (
        ("paid", "packed"),
        ("packed", "shipped"),
        ("delivered", "returned"),
        ("shipped", "refunded"),
    ):
        assert found.index(before) < found.index(after)


def vars_of(definition: Definition) -> dict[str, object]:
    return {name: getattr(definition, name) for name in definition.__dataclass_fields__}


def test_circles_have_an_order_too():
    assert in_order(JOB) == ["pending", "active", "failed", "done", "cancelled"]


def test_states_that_a_history_has_and_the_definition_has_not_come_last():
    assert in_order(ORDER, ["zombie", "paid", "ghost"])[-2:] == ["ghost", "zombie"]
    assert in_order(None, ["b", "a"]) == ["a", "b"]


def test_a_state_that_nothing_leads_to_is_there():
    definition = Definition("x", 1, "a", {}, {name: State(name) for name in "abc"}, (Transition("go", "a", "c"),))
    assert in_order(definition) == ["a", "c", "b"]


def test_a_chain_of_states_may_be_longer_than_the_stack():
    names = [f"s{number}" for number in range(3000)]
    steps = tuple(Transition("go", a, b) for a, b in pairwise(names))
    definition = Definition("x", 1, "s0", {}, {name: State(name) for name in reversed(names)}, steps)
    assert in_order(definition) == names
