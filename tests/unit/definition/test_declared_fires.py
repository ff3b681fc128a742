"""What is declared to be fired on others is there and fits, or is told with its place and a way out."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from workflow.definition.load import load_definitions, parse_definition
from workflow.definition.plain import from_plain, to_plain
from workflow.errors import DefinitionError

ORDER = """\
kind: order
version: 1
initial: open
data:
  email: {type: string, sensitive: true}
  total: {type: decimal, default: 0}
  count: {type: integer, optional: true}
states: {open: {}, closed: {final: true}}
transitions:
  arrive:
    - {from: open, to: open, requires: {parcel: string, at: timestamp}, sets: [count], guard: payload.weight < `5`}
    - {from: open, to: closed, requires: {parcel: string, by: {type: string, optional: true, sensitive: true}}}
  close: {from: open, to: closed}
"""
PARCEL = """\
kind: parcel
version: 1
initial: new
data: {order: string, signed: {type: string, sensitive: true}}
states: {new: {}, there: {final: true}}
transitions:
  land:
    from: new
    to: there
    effects:
      - fire: FIRE
"""


def problems_of(folder: Path, fire: str, order: str = ORDER) -> list[str]:
    """The problems of both kinds where a parcel fires that, each as `line:column message; way out`."""
    (folder / "order.yaml").write_text(order)
    (folder / "parcel.yaml").write_text(PARCEL.replace("FIRE", fire))
    try:
        load_definitions(folder)
    except DefinitionError as error:
        return [str(problem).partition(".yaml:")[2] for problem in error.problems]
    return []


@pytest.mark.parametrize(
    "fire",
    [
        "{kind: order, id: data.order, trigger: close}",
        "{kind: order, id: data.order, trigger: arrive, payload: {parcel: entity.id}}",
        "{kind: order, id: data.order, trigger: arrive, payload: {parcel: entity.id, at: payload.at, count: '`1`', "
        "weight: '`2`', by: data.signed}}",
        "{kind: order, id: entity.id, trigger: create, payload: {email: data.signed}}",
        "{kind: parcel, id: data.order, trigger: land, on_refused: skip}",
    ],
)
def test_what_is_there_and_fits_is_let_pass(tmp_path: Path, fire: str) -> None:
    guarded = PARCEL.replace("to: there\n", "to: there\n    guard: data.order != entity.id\n")
    (tmp_path / "order.yaml").write_text(ORDER)
    (tmp_path / "parcel.yaml").write_text(guarded.replace("FIRE", fire))
    assert load_definitions(tmp_path).kinds == ("order", "parcel")


@pytest.mark.parametrize(
    ("fire", "problems"),
    [
        (
            "{kind: ordr, id: data.order, trigger: close}",
            ["11:22: there is no definition of kind 'ordr'; did you mean 'order'? loaded: order, parcel"],
        ),
        (
            "{kind: order, id: data.order, trigger: clos}",
            [
                "11:54: there is no trigger 'clos' of 'order'; did you mean 'close'? triggers: arrive, close, create",
            ],
        ),
        (
            "{kind: order, id: data.order, trigger: arrive}",
            [
                "11:54: the payload lacks 'parcel', without which 'arrive' of 'order' is always refused; "
                "add 'parcel: data...' to the payload"
            ],
        ),
        (
            "{kind: order, id: data.order, trigger: arrive, payload: {parcl: entity.id}}",
            [
                "11:72: 'parcl' is nothing that 'arrive' of 'order' knows; did you mean 'parcel'? "
                "known: parcel, at, count, weight, by"
            ],
        ),
        (
            "{kind: order, id: data.order, trigger: close, payload: {reason: entity.id}}",
            ["11:71: 'reason' is nothing that 'close' of 'order' knows; known: none"],
        ),
        (
            "{kind: order, id: data.order, trigger: create, payload: {total: '`1`'}}",
            [
                "11:62: the payload lacks 'email', without which 'create' of 'order' is always refused; "
                "add 'email: data...' to the payload"
            ],
        ),
        (
            "{kind: order, id: data.order, trigger: arrive, payload: {parcel: data.signed}}",
            [
                "11:80: data.signed is sensitive here, and 'parcel' of 'order' is not; "
                "mark 'parcel' 'sensitive: true' there, or leave it out"
            ],
        ),
    ],
)
def test_what_is_not_there_or_does_not_fit_is_told_with_its_place(
    tmp_path: Path, fire: str, problems: list[str]
) -> None:
    assert problems_of(tmp_path, fire) == problems


@pytest.mark.parametrize(
    "order",
    [
        "kind: [order",
        ORDER.replace("kind: order", "kind: 7"),
        ORDER.replace("close: {from: open, to: closed}", "clos: 7"),
    ],
    ids=["not YAML", "no name", "a transition half read"],
)
def test_of_a_kind_that_could_not_be_read_nothing_is_known(tmp_path: Path, order: str) -> None:
    fire = "{kind: order, id: data.order, trigger: clos, payload: {x: entity.id}}"
    found = problems_of(tmp_path, fire, order)
    assert found
    assert not [problem for problem in found if "no trigger" in problem or "no definition" in problem]


def test_one_definition_by_itself_may_fire_on_kinds_that_are_elsewhere() -> None:
    parse_definition(PARCEL.replace("FIRE", "{kind: invoice, id: data.order, trigger: close}"))


def test_what_is_fired_is_the_same_from_compiled_definitions() -> None:
    fire = "{kind: invoice, id: data.order, trigger: close, payload: {a: data.order}, on_refused: skip}"
    definition = parse_definition(PARCEL.replace("FIRE", f"{fire}\n        retry: {{attempts: 3}}"))
    assert from_plain(to_plain([definition])).find("parcel") == definition


def test_hundreds_of_fires_on_hundreds_of_transitions_are_judged_in_seconds(tmp_path: Path) -> None:
    ways = "\n".join(f"    - {{from: open, to: open, guard: payload.w{i} < `5`}}" for i in range(200))
    order = f"kind: order\nversion: 1\ninitial: open\nstates: {{open: {{}}}}\ntransitions:\n  arrive:\n{ways}\n"
    (tmp_path / "order.yaml").write_text(order)
    states = "\n".join(
        f"  s{i}: {{on_enter: [{{fire: {{kind: order, id: entity.id, trigger: arrive}}}}]}}" for i in range(300)
    )
    ways = "\n".join(f"  t{i}: {{from: s{i}, to: s{(i + 1) % 300}}}" for i in range(300))
    (tmp_path / "wide.yaml").write_text(
        f"kind: wide\nversion: 1\ninitial: s0\nstates:\n{states}\ntransitions:\n{ways}\n"
    )
    started = time.process_time()
    load_definitions(tmp_path)
    assert time.process_time() - started < 4
