"""Circles without an end are found, over `then`, `catch` and what handlers say they fire, and nothing else is one."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from workflow.definition.load import load_definitions
from workflow.definition.registered import Registered
from workflow.errors import DefinitionError

WAY_OUT = "put a guard on one of the transitions, or wait in between with a timer (`after`)"
JOB = """\
kind: job
version: 1
initial: pending
states:
  pending:
    on_enter: [begin]
  active:
    {active}
  failed: {{on_enter: [tell]}}
  done: {{final: true}}
transitions:
  start: {{from: pending, to: active}}
  fail: {{from: active, to: failed}}
  again: {{from: failed, to: active{again}}}
  finish: {{from: [active, failed], to: done}}
"""
ORDER = """\
kind: order
version: 1
initial: paid
states:
  paid: {}
  shipped: {on_exit: [stop]}
  gone: {final: true}
transitions:
  ship: {from: [paid, shipped], to: shipped, effects: [notify]}
  leave: {from: shipped, to: gone}
"""
SHIPMENT = """\
kind: shipment
version: 1
initial: new
states:
  new: {on_enter: [report]}
  booked: {final: true}
transitions:
  book: {from: new, to: booked}
"""


def job(active: str, again: str = "") -> str:
    return JOB.format(active=active, again=again)


def problems_of(folder: Path, fires: dict[str, tuple[str, ...]] | None = None, **texts: str) -> list[str]:
    """The problems of the definitions, each as `file:line:column message`."""
    for name, text in texts.items():
        (folder / f"{name}.yaml").write_text(text)
    hooks = dict.fromkeys(("begin", "run", "tell", "notify", "report", "stop"), ()) | (fires or {})
    try:
        load_definitions(folder, registered=Registered(hooks))
    except DefinitionError as error:
        return [f"{Path(p.file).name}:{p.line}:{p.column} {p.message}" for p in error.problems]
    return []


def test_a_catch_and_a_then_that_lead_round_are_a_circle(tmp_path: Path) -> None:
    text = job("on_enter: [{run: run, catch: {Broken: fail}}]").replace("[tell]", "[{run: tell, then: again}]")

    assert problems_of(tmp_path, job=text) == [
        "job.yaml:9:41 circle without an end: "
        "job fail (active -> failed) -> tell -> job again (failed -> active) -> run -> job fail"
    ]


def test_a_circle_over_then_is_found_without_handlers(tmp_path: Path) -> None:
    (tmp_path / "job.yaml").write_text(
        job("on_enter: [{run: run, then: spin}]") + "  spin: {from: active, to: active}\n"
    )

    with pytest.raises(DefinitionError) as caught:
        load_definitions(tmp_path)

    assert [(p.message, p.way_out) for p in caught.value.problems] == [
        ("circle without an end: job spin (active -> active) -> run -> job spin", WAY_OUT)
    ]


def test_a_guard_on_one_transition_ends_the_circle(tmp_path: Path) -> None:
    fires = {"run": ("fail",), "tell": ("again",)}

    assert problems_of(tmp_path, fires, job=job("on_enter: [run]", ", guard: entity.version < `9`")) == []
    assert len(problems_of(tmp_path, fires, job=job("on_enter: [run]"))) == 1


def test_a_transition_that_can_be_made_without_its_guard_does_not_end_the_circle(tmp_path: Path) -> None:
    twice = "again: [{from: failed, to: active, guard: entity.version < `9`}, {from: failed, to: active}]"
    text = job("on_enter: [run]").replace("again: {from: failed, to: active}", twice)

    assert len(problems_of(tmp_path, {"run": ("fail",), "tell": ("again",)}, job=text)) == 1


def test_a_timer_in_between_is_no_circle(tmp_path: Path) -> None:
    waiting = job("on_enter: [run]").replace("{on_enter: [tell]}", "{after: {5m: again}}")

    assert problems_of(tmp_path, {"run": ("fail",)}, job=waiting) == []


def test_a_hook_fires_its_own_kind_only_from_where_the_entity_then_is(tmp_path: Path) -> None:
    # `start` leads out of pending alone, and `tell` runs in failed.
    assert problems_of(tmp_path, {"tell": ("start",), "run": ("fail",)}, job=job("on_enter: [run]")) == []


def test_a_hook_fires_another_of_its_kind_from_anywhere(tmp_path: Path) -> None:
    assert problems_of(tmp_path, {"run": ("job.start",)}, job=job("on_enter: [run]")) == [
        "job.yaml:8:16 circle without an end: job start (pending -> active) -> run -> job start"
    ]


@pytest.mark.parametrize("name", ["create", "job.create"])
def test_a_creation_that_owes_a_creation_is_a_circle(tmp_path: Path, name: str) -> None:
    assert problems_of(tmp_path, {"begin": (name,)}, job=job("on_enter: [run]")) == [
        "job.yaml:6:16 circle without an end: job create (-> pending) -> begin -> job create"
    ]


def test_a_circle_through_two_kinds_is_told_once_whole(tmp_path: Path) -> None:
    fires = {"notify": ("shipment.create",), "report": ("order.ship",)}

    assert problems_of(tmp_path, fires, order=ORDER, shipment=SHIPMENT) == [
        "order.yaml:9:56 circle without an end: "
        "order ship (paid -> shipped) -> notify -> shipment create (-> new) -> report -> order ship"
    ]


def test_a_hook_on_the_way_out_fires_from_where_the_transition_leads(tmp_path: Path) -> None:
    assert problems_of(tmp_path, {"stop": ("ship",)}, order=ORDER) == [
        "order.yaml:6:23 circle without an end: order ship (shipped -> shipped) -> stop -> order ship"
    ]
    assert problems_of(tmp_path, {"stop": ("leave",)}, order=ORDER) == []


def test_a_hook_on_the_way_out_fires_another_entity_from_anywhere(tmp_path: Path) -> None:
    assert problems_of(tmp_path, {"stop": ("order.ship",)}, order=ORDER) == [
        "order.yaml:6:23 circle without an end: order ship (shipped -> shipped) -> stop -> order ship"
    ]


def test_a_guard_that_could_not_be_read_is_no_missing_guard(tmp_path: Path) -> None:
    (tmp_path / "job.yaml").write_text(job("on_enter: [run]", ", guard: [entity.version]"))

    with pytest.raises(DefinitionError) as caught:
        load_definitions(tmp_path, registered=Registered({"begin": (), "run": ("fail",), "tell": ("again",)}))

    assert len(caught.value.problems) == 1


def test_what_fires_once_more_or_into_an_unknown_kind_is_no_circle(tmp_path: Path) -> None:
    fires = {"notify": ("shipment.book", "invoice.create"), "report": ("book",), "stop": ("leave",)}

    assert problems_of(tmp_path, fires, order=ORDER, shipment=SHIPMENT) == []


def test_circles_apart_are_two_problems_in_the_order_of_the_files(tmp_path: Path) -> None:
    fires = {"begin": ("job.create",), "notify": ("ship",)}

    found = problems_of(tmp_path, fires, order=ORDER, job=job("on_enter: [run]"))

    assert [line.split(":")[0] for line in found] == ["job.yaml", "order.yaml"]


def test_only_the_version_in_force_can_go_round(tmp_path: Path) -> None:
    endless = job("on_enter: [{run: run, then: spin}]") + "  spin: {from: active, to: active}\n"

    assert problems_of(tmp_path, old=endless, new=job("on_enter: [run]").replace("version: 1", "version: 2")) == []
    assert len(problems_of(tmp_path, old=endless.replace("version: 1", "version: 3"))) == 1


def test_a_long_circle_is_told_in_part(tmp_path: Path) -> None:
    states = "\n".join(f"  s{i}: {{on_enter: [{{run: run, then: t{i}}}]}}" for i in range(3000))
    ways = "\n".join(f"  t{i}: {{from: s{i}, to: s{(i + 1) % 3000}}}" for i in range(3000))

    (told,) = problems_of(
        tmp_path, long=f"kind: long\nversion: 1\ninitial: s0\nstates:\n{states}\ntransitions:\n{ways}\n"
    )

    assert told.endswith("-> long t6 (s6 -> s7) -> run -> 2993 more -> long t0")


def test_many_hooks_on_many_edges_are_judged_in_seconds(tmp_path: Path) -> None:
    states = "\n".join(f"  s{i}: {{}}" for i in range(2000))
    exits = ", ".join(f"{{run: h{i}, then: out}}" for i in range(2000))
    ways = "\n".join(f"  t{i}: {{from: s, to: s{i}}}" for i in range(2000))
    sources = ", ".join(f"s{i}" for i in range(2000))
    text = (
        f"kind: wide\nversion: 1\ninitial: s\nstates:\n  s: {{on_exit: [{exits}]}}\n  end: {{final: true}}\n{states}\n"
        f"transitions:\n  out: {{from: [{sources}], to: end}}\n{ways}\n"
    )
    (tmp_path / "wide.yaml").write_text(text)
    started = time.process_time()

    load_definitions(tmp_path)

    assert time.process_time() - started < 4


def test_a_circle_over_what_definitions_declare_to_fire_on_each_other_is_told_at_the_first_of_them(
    tmp_path: Path,
) -> None:
    order = ORDER.replace("[notify]", "[{fire: {kind: shipment, id: entity.id, trigger: create}}]")
    shipment = SHIPMENT.replace("[report]", "[{fire: {kind: order, id: entity.id, trigger: ship}}]")

    assert problems_of(tmp_path, order=order, shipment=shipment) == [
        "order.yaml:9:56 circle without an end: order ship (paid -> shipped) -> fire:shipment.create -> shipment "
        "create (-> new) -> fire:order.ship -> order ship"
    ]
    guarded = order.replace("to: shipped,", "to: shipped, guard: entity.version < `9`,")
    assert problems_of(tmp_path, order=guarded, shipment=shipment) == []


def test_an_error_of_a_declared_fire_that_is_caught_may_lead_round_too(tmp_path: Path) -> None:
    active = "on_enter: [{fire: {kind: job, id: entity.id, trigger: fail}, catch: {'*': again}}]"
    text = job(active).replace("from: failed, to: active", "from: [failed, active], to: active")

    assert [told.partition(": ")[2] for told in problems_of(tmp_path, job=text)] == [
        "job again (active -> active) -> fire:job.fail -> job again"
    ]


def test_a_hook_that_says_it_fires_what_there_is_not_is_told_once(tmp_path: Path) -> None:
    (tmp_path / "order.yaml").write_text(ORDER)
    (tmp_path / "shipment.yaml").write_text(SHIPMENT.replace("[report]", "[report, notify]"))
    hooks = {"report": ("bok", "order.leaves", "order.leave"), "notify": ("leave", "book"), "stop": ()}

    with pytest.raises(DefinitionError) as caught:
        load_definitions(tmp_path, registered=Registered(hooks))

    assert [(p.line, p.column, p.message, p.way_out) for p in caught.value.problems] == [
        (
            5,
            20,
            "the hook 'report' says that it fires 'bok', and there is no such trigger",
            "correct its @hook(fires=...); did you mean 'book'? triggers: book, create",
        ),
        (
            5,
            20,
            "the hook 'report' says that it fires 'order.leaves', and there is no such trigger",
            "correct its @hook(fires=...); did you mean 'leave'? triggers: ship, leave, create",
        ),
    ]
