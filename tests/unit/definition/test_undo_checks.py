"""What undos fire closes circles as well; an undo that can run is no finding, and says only how it is tried."""

from __future__ import annotations

from pathlib import Path

import pytest

from workflow.definition.definition import Definitions, HookUse, Retry
from workflow.definition.diagram import dot
from workflow.definition.load import load_definitions, parse_definition
from workflow.definition.plain import from_plain, to_plain
from workflow.definition.registered import Registered
from workflow.errors import DefinitionError

TRIP = """\
kind: trip
version: 1
initial: asked
states:
  asked:
    on_exit: [{run: note, undo: forget}]
  booked:
    on_enter: [{run: book, undo: {run: cancel_it, retry: {attempts: 3}, on_unknown: park}, catch: {"*": fail}}]
  failed: {}
  over: {final: true}
transitions:
  book: {from: asked, to: booked, effects: [{run: pay, undo: refund}]}
  fail: {from: booked, to: failed, compensate: true}
  again: {from: failed, to: booked}
  end: {from: [booked, failed], to: over}
"""
HOOKS = ("note", "forget", "book", "cancel_it", "pay", "refund")


def problems_of(folder: Path, fires: dict[str, tuple[str, ...]]) -> list[str]:
    (folder / "trip.yaml").write_text(TRIP)
    try:
        load_definitions(folder, registered=Registered(dict.fromkeys(HOOKS, ()) | fires))
    except DefinitionError as error:
        return [f"{p.line}:{p.column} {p.message}" for p in error.problems]
    return []


def test_an_undo_with_a_transition_that_compensates_behind_it_is_no_finding(tmp_path: Path) -> None:
    assert problems_of(tmp_path, {}) == []


def test_what_an_undo_fires_can_close_a_circle(tmp_path: Path) -> None:
    assert problems_of(tmp_path, {"cancel_it": ("again",)}) == [
        "8:34 circle without an end: trip fail (booked -> failed) -> cancel_it -> "
        "trip again (failed -> booked) -> book -> trip fail"
    ]


def test_an_undo_that_fires_what_there_is_not_is_told(tmp_path: Path) -> None:
    assert problems_of(tmp_path, {"refund": ("agian",)}) == [
        "12:62 the hook 'refund' says that it fires 'agian', and there is no such trigger"
    ]


def test_undos_travel_to_the_deployed_functions() -> None:
    trip = parse_definition(TRIP)
    [read] = from_plain(to_plain(Definitions((trip,))))
    assert read == trip
    assert read.uses["book", "asked", "booked"] == (
        HookUse("note", undo=HookUse("forget")),
        HookUse("pay", undo=HookUse("refund")),
        HookUse("book", None, {"*": "fail"}, undo=HookUse("cancel_it", Retry(attempts=3), on_unknown="park")),
    )
    assert read.edges["fail", "booked", "failed"] == ("@undo",)
    assert read.hooks == frozenset(HOOKS)


@pytest.mark.parametrize("undo", ["{run: cancel_it, catch: {'*': fail}}", "{run: cancel_it, then: end}", "{}"])
def test_an_undo_says_no_more_than_how_it_is_tried(undo: str) -> None:
    text = TRIP.replace("{run: cancel_it, retry: {attempts: 3}, on_unknown: park}", undo)
    with pytest.raises(DefinitionError):
        parse_definition(text)


def test_what_the_page_of_compensation_shows_is_a_definition() -> None:
    page = (Path(__file__).parents[3] / "docs" / "compensation.md").read_text(encoding="utf-8")
    shown = page.partition("```yaml\n")[2].partition("```")[0]
    states, _, transitions = shown.partition("transitions:\n")
    rest = "  packing: {}\n  packed: {}\n  cancelled: {final: true}\n"
    paid = "  paid: {from: paying, to: packing}\n  pack: {from: packing, to: packed}\n"
    order = parse_definition(
        f"kind: order\nversion: 1\ninitial: paying\n{states}{rest}transitions:\n{paid}{transitions}"
    )
    assert order.hooks == {"charge_card", "refund_card"}


def test_a_diagram_shows_what_undoes_and_when() -> None:
    drawn = dot(parse_definition(TRIP))
    assert '[label="book / pay (undo refund)"]' in drawn
    assert '[label="fail / undo all"]' in drawn
