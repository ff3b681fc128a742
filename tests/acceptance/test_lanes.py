"""Pieces of one machine run one after another, the most urgent first, moved by the table's stream alone (promise 9)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.acceptance.conftest import Deployed, add_kind, copy_of_the_project, deploy
from workflow.engine.place import LaneKey

PIECE = """\
kind: piece
version: 1
initial: waiting
data:
  machine: string
  priority: {type: integer, default: 0}
  stays: {type: boolean, default: false}
states:
  waiting: {}
  working: {on_enter: [work_piece]}
  done: {final: true, on_enter: [weigh_piece]}
transitions:
  begin: {from: waiting, to: working}
  end: {from: working, to: done}
lanes:
  machine:
    by: data.machine
    waiting: waiting
    running: working
    limit: 1
    first: data.priority
    trigger: begin
"""
HOOKS = """\
from workflow import hook


@hook(fires=["end"])
def work_piece(effect):
    if not effect.entity.data["stays"]:
        effect.fire("end")


@hook
def weigh_piece(effect):
    if effect.entity.data["machine"] == "broken scales":
        raise ValueError("no weight")
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    project = copy_of_the_project(tmp_path_factory.mktemp("project"))
    add_kind(project, "piece", PIECE, HOOKS)
    return project


@pytest.fixture(scope="module")
def machines(project: Path) -> Iterator[Deployed]:
    with deploy(project) as deployed:
        yield deployed


def _create(machines: Deployed, machine: str, **pieces: int) -> None:
    """Pieces with their priorities, the first of which stays on the machine until somebody ends it."""
    for number, (name, priority) in enumerate(pieces.items()):
        data = {"machine": machine, "priority": priority, "stays": number == 0}
        machines.flow.create("piece", f"{machine} {name}", data)
        machines.settle()


def _standing(machines: Deployed, machine: str) -> tuple[dict[int, str], list[str]]:
    found = machines.flow.runtime.store.lane(LaneKey("piece", "machine", machine), waiting=100)
    short = len(machine) + 1
    running = {row.place.slot: row.entity_id[short:] for row in found.running}
    return running, [row.entity_id[short:] for row in found.waiting]


def _turns(machines: Deployed, machine: str, *names: str) -> list[str]:
    """The pieces in the order in which they began; each must have ended before the next one began."""
    told = sorted(
        (event.at, event.trigger, name)
        for name in names
        for event in machines.flow.history("piece", f"{machine} {name}")
        if event.trigger in ("begin", "end")
    )
    assert [trigger for _, trigger, _ in told] == ["begin", "end"] * len(names)
    assert [name for _, trigger, name in told if trigger == "end"] == [name for _, _, name in told[::2]]
    return [name for _, _, name in told[::2]]


def test_pieces_of_a_machine_run_one_after_another_the_most_urgent_first(machines: Deployed) -> None:
    _create(machines, "lathe", first=0, low=1, high=9, middle=5, late_high=9)
    assert _standing(machines, "lathe") == ({1: "first"}, ["high", "late_high", "middle", "low"])
    begun = machines.flow.history("piece", "lathe first")[1]
    assert (begun.trigger, begun.by) == ("begin", "lane:machine")

    machines.flow.fire("piece", "lathe first", "end")
    machines.settle()

    turns = _turns(machines, "lathe", "first", "low", "high", "middle", "late_high")
    assert turns == ["first", "high", "late_high", "middle", "low"]
    assert _standing(machines, "lathe") == ({}, [])


def test_machines_do_not_wait_for_each_other_nor_for_effects_of_those_that_left(machines: Deployed) -> None:
    _create(machines, "mill", first=0, next=0)
    _create(machines, "broken scales", first=0, next=0)
    assert _standing(machines, "broken scales") == ({1: "first"}, ["next"])
    machines.flow.fire("piece", "broken scales first", "end")
    machines.settle()

    assert _turns(machines, "broken scales", "first", "next") == ["first", "next"]
    assert machines.effects("piece", "broken scales first")["3 weigh_piece"][0] == "failed"
    assert _standing(machines, "mill") == ({1: "first"}, ["next"])


def test_when_the_piece_on_the_machine_is_deleted_by_hand_the_next_begins(machines: Deployed) -> None:
    _create(machines, "press", first=0, next=0)
    key = {"pk": {"S": "piece#press first"}, "sk": {"S": "entity"}}
    machines.dynamodb.delete_item(TableName=machines.cloud.stack.table_name, Key=key)
    machines.settle()

    assert machines.flow.get("piece", "press next").state == "done"
    assert _standing(machines, "press") == ({}, [])
    (violation,) = machines.flow.violations("piece", "press first")
    assert violation.reason == "the entity was deleted by hand"


def test_when_the_piece_on_the_machine_is_taken_off_by_hand_the_next_begins(machines: Deployed) -> None:
    _create(machines, "saw", first=0, next=0)
    machines.dynamodb.update_item(
        TableName=machines.cloud.stack.table_name,
        Key={"pk": {"S": "piece#saw first"}, "sk": {"S": "entity"}},
        UpdateExpression="SET #state = :state",
        ExpressionAttributeNames={"#state": "state"},
        ExpressionAttributeValues={":state": {"S": "done"}},
    )
    machines.settle()

    assert machines.flow.get("piece", "saw next").state == "done"
    assert machines.flow.get("piece", "saw first").place is None
    assert _standing(machines, "saw") == ({}, [])


def _let_a_minute_pass(machines: Deployed, machine: str) -> None:
    """Has the lane be due now, as it is a minute after somebody had to wait."""
    store, lane = machines.flow.runtime.store, LaneKey("piece", "machine", machine)
    watched = store.lane(lane, waiting=0).watched
    assert watched is not None
    assert store.watch_lane(lane, watched, watched - timedelta(minutes=1))


def test_a_limit_that_was_raised_is_taken_up_by_the_next_sweep(machines: Deployed, project: Path) -> None:
    _create(machines, "drill", first=0, next=0)
    machines.flow.create("piece", "drill stays", {"machine": "drill", "priority": 9, "stays": True})
    machines.settle()
    assert _standing(machines, "drill") == ({1: "first"}, ["stays", "next"])

    (project / "definitions" / "piece.yaml").write_text(PIECE.replace("limit: 1", "limit: 2"))
    machines.cloud.redeploy()
    machines.settle()
    # Nothing moves in the lane, so that no record tells of it.
    assert _standing(machines, "drill") == ({1: "first"}, ["stays", "next"])
    _let_a_minute_pass(machines, "drill")
    assert machines.sweep()["started"] == 1
    assert _standing(machines, "drill") == ({1: "first", 2: "stays"}, ["next"])

    machines.flow.fire("piece", "drill stays", "end")
    machines.settle()
    assert _standing(machines, "drill") == ({1: "first"}, [])
    assert machines.flow.get("piece", "drill next").state == "done"
