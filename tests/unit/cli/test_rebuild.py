"""Rebuild from the shell: what is told, how far it is, and with which exit code it ends."""

from __future__ import annotations

import io
import json
import logging

import pytest
from rich.console import Console

from workflow import Workflow, hook, projection
from workflow.console.progress import WalkMeter
from workflow.definition.load import load_definitions
from workflow.errors import StoreUnavailableError
from workflow.testing import MemoryStore

SHOWN = """\
kind: order
version: 1
initial: placed
data:
  email: {type: string, sensitive: true}
states:
  placed: {on_enter: [show]}
  paid: {final: true, on_enter: [show, send_receipt]}
transitions:
  pay: {from: placed, to: paid}
"""


@pytest.fixture
def model():
    return {}


@pytest.fixture
def broken():
    """The ids for which the projection fails."""
    return set()


@pytest.fixture
def flow(tmp_path, clock, model, broken):
    folder = tmp_path / "shown"
    folder.mkdir()
    (folder / "order.yaml").write_text(SHOWN)

    @projection
    def show(effect):
        if effect.id in broken:
            raise ValueError(f"no row for {effect.entity.data['email']}\x1b[31m")
        model[effect.id] = effect.entity.state

    @hook
    def send_receipt(effect):
        raise AssertionError("it stays silent")

    flow = Workflow(load_definitions(folder), MemoryStore(), handlers=[show, send_receipt], clock=clock)
    for id in ("1", "2", "3"):
        flow.create("order", id, {"email": "secret@b.c"})
    flow.fire("order", "2", "pay")
    return flow


def test_what_was_rebuilt_is_told(run, model):
    result = run("rebuild", "show")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == "show: 3 entities of order rebuilt with 4 events\n"
    assert model == {"1": "placed", "2": "paid", "3": "placed"}


def test_one_kind_and_one_entity_can_be_named(run, model):
    assert run("rebuild", "show", "--kind", "order", "--id", "2").stdout == (
        "show: 1 entity of order rebuilt with 2 events\n"
    )
    assert model == {"2": "paid"}


def test_the_same_comes_as_json(run):
    assert json.loads(run("rebuild", "show", "--workers", "2", "--json").stdout) == {
        "projection": "show", "looked_at": 3, "entities": 3, "events": 4, "failed": 0, "told": [], "kinds": ["order"],
    }  # fmt: skip


def test_what_fails_is_told_with_the_way_it_came_and_ends_with_1(run, model, broken, caplog):
    broken.add("2")
    level = logging.getLogger("workflow").level
    result = run("rebuild", "show")
    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    assert lines[0].startswith("failed: order 2 version 1: ValueError: no row for [hidden]")
    assert lines[1] == "the first of these errors came from:"
    assert any("test_rebuild.py" in line for line in lines)
    assert lines[-1] == "show: 2 entities of order rebuilt with 2 events, 1 failed"
    assert "secret@b.c" not in result.output + caplog.text
    assert "\x1b" not in result.output
    assert model == {"1": "placed", "3": "placed"}
    # Else every attempt would be told before, with its trace.
    assert caplog.records == []
    assert logging.getLogger("workflow").level == level


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["shwo"], "Error: no projection 'shwo'; did you mean 'show'? registered: show"),
        (["send_receipt"], "Error: 'send_receipt' is a hook and no projection: it would do again whatever it did for"),
        (["show", "--kind", "ordr"], "Error: no definition of kind 'ordr' (did you mean 'order'?); loaded: order"),
        (["show", "--id", "9"], "Error: there is no order 9"),
    ],
)
def test_what_cannot_be_rebuilt_is_one_line(run, model, arguments, told):
    result = run("rebuild", *arguments)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith(told)
    assert result.stderr.count("\n") == 1
    assert model == {}


@pytest.mark.parametrize(
    ("raised", "exit_code", "told"),
    [
        (KeyboardInterrupt(), 130, "\nStopped. What was written stays so; the same command begins again"),
        (StoreUnavailableError("the table does not answer"), 3, "What was written stays so; the same command begins"),
    ],
)
def test_whoever_is_interrupted_is_told_how_things_stand(run, flow, monkeypatch, raised, exit_code, told):
    def stop(share, shares):
        raise raised

    monkeypatch.setattr(flow.operations._records, "all", stop)
    result = run("rebuild", "show", "--workers", "1")
    assert result.exit_code == exit_code
    assert told in result.stderr


def test_a_line_of_progress_says_entities_rate_time_left_and_events():
    meter = WalkMeter(Console(file=io.StringIO()), 5000, seconds=iter([0.0, 0.0, 4.0, 4.0]).__next__)
    meter(0)
    assert (
        meter.line(1200, "3,400 events") == "1,200 of about 5,000 entities (24%), 300/s, about 13 s left, 3,400 events"
    )


def test_how_many_events_are_through_stands_beside_the_bar():
    console = Console(file=io.StringIO(), force_terminal=True, width=100)
    with WalkMeter(console, 200) as meter:
        meter(100, "250 events")
    assert ", 250 events" in console.file.getvalue()
