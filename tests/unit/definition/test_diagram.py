"""Diagrams show every state, transition, timer and hook, and nothing in a definition can break out of a label."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from workflow.definition.definition import Definition, Fire, HookUse, State, Transition
from workflow.definition.diagram import dot, mermaid
from workflow.definition.load import parse_definition

ORDER = (Path(__file__).parent / "order.yaml").read_text()
TRICKY = ORDER.replace("guard: payload.amount >= data.total", 'guard: "data.carrier != \'a\\"b\\\\\\\\c; d: %% #e\'"')


@pytest.fixture(scope="module")
def order() -> Definition:
    return parse_definition(ORDER)


def test_a_mermaid_diagram_has_start_end_and_every_edge_once(order: Definition) -> None:
    lines = [line.strip() for line in mermaid(order).splitlines()]

    assert lines[0] == "stateDiagram-v2"
    assert "[*] --> s_placed" in lines
    assert [line for line in lines if line.endswith("--> [*]")] == ["s_shipped --> [*]", "s_cancelled --> [*]"]
    assert sum(" : " in line and "-->" in line for line in lines) == len(order.transitions)


def test_guards_hooks_and_timers_are_in_the_mermaid_labels(order: Definition) -> None:
    text = mermaid(order)

    assert "s_placed --> s_paid : pay [payload.amount #62;= data.total] / book_payment" in text
    assert "s_placed --> s_cancelled : pay [is_refused()]" in text
    assert "s_placed --> s_cancelled : expire after 1h30m" in text
    assert (
        "s_paid : enter / send_receipt, charge_loyalty (then charged, CardDeclined decline, else cancel), publish"
        in text
    )
    assert "s_placed : exit / release_basket" in text


def test_a_dot_graph_marks_final_states_and_dashes_what_a_timer_fires(order: Definition) -> None:
    text = dot(order)

    assert '"shipped" [label="shipped", peripheries=2];' in text
    assert '"placed" -> "cancelled" [label="expire after 1h30m", style=dashed];' in text
    charge = "charge_loyalty (then charged, CardDeclined decline, else cancel)"
    assert f'"paid" [label="paid\\nenter / send_receipt, {charge}, publish:eventbridge:orders:OrderPaid"];' in text


def test_no_text_of_a_definition_ends_a_label_early() -> None:
    tricky = parse_definition(TRICKY)
    plain = parse_definition(ORDER)

    assert len(mermaid(tricky).splitlines()) == len(mermaid(plain).splitlines())
    assert not re.search(r"pay \[[^\n]*(;[^\n]*[^0-9];|\"|%%|: )", mermaid(tricky).replace("#", ""))
    assert r"""[data.carrier != 'a\"b\\\\c; d: %% #e']""" in dot(tricky)


def test_what_is_fired_on_other_entities_stands_where_hooks_do() -> None:
    fire = Fire("order", "data.order", "arrive")
    arrives = HookUse("fire:order.arrive", catch={"*": "stick"}, fire=fire)
    states = {"new": State("new", on_enter=(HookUse("fire:log.add", fire=fire),)), "there": State("there", final=True)}
    land = Transition("land", "new", "there", effects=(arrives, HookUse("sign")))
    parcel = Definition("parcel", 1, "new", {}, states, (land,))
    assert "    s_new : enter / fire#58;log.add" in mermaid(parcel).splitlines()
    assert "    s_new --> s_there : land / fire#58;order.arrive (else stick), sign" in mermaid(parcel).splitlines()
    assert '  "new" -> "there" [label="land / fire:order.arrive (else stick), sign"];' in dot(parcel).splitlines()
