"""What the page about lanes shows is so."""

from __future__ import annotations

import re
import shlex
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.fakes.clock import FakeClock
from workflow import Workflow
from workflow.cli.commands import workflow
from workflow.definition.load import load_definitions
from workflow.runtime.slots import limit_of
from workflow.testing import MemoryDelivery, MemoryStore

PAGE = (Path(__file__).parents[3] / "docs" / "lanes.md").read_text(encoding="utf-8")
RANKED = re.findall(r"^\| `(\w)` \| (\d) \| (\d\d:\d\d) \| (\d\d:\d\d) \|$", PAGE, re.MULTILINE)
KEYS = re.findall(r"`(\w+)`", "".join(re.findall(r"^\| (`[^|]*) \|", PAGE, re.MULTILINE)))


def _block(language: str) -> str:
    (block,) = re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    return block


@pytest.fixture
def flow(tmp_path: Path) -> Workflow:
    """The page's definition, on a store in memory."""
    (tmp_path / "job.yaml").write_text(_block("yaml"), encoding="utf-8")
    return Workflow(load_definitions(tmp_path), MemoryStore(), clock=FakeClock(), hooks_required=False)


def _run(flow: Workflow, *arguments: str):
    return CliRunner().invoke(workflow, arguments, obj=lambda settings: flow)


def test_every_key_of_a_lane_is_explained(flow):
    (lane,) = flow.definitions.find("job").lanes.values()
    assert {name.removesuffix("_seconds") for name in lane.__slots__ if name != "limit_function"} == {
        "name",
        *(key for key in KEYS if len(key) > 1),
    }


def test_the_worked_example_of_ageing_comes_out_as_it_says(flow):
    clock = flow.runtime.clock
    day = clock.now()
    for id, priority, came, _ in sorted(RANKED, key=lambda row: row[2]):
        at = datetime.combine(day, datetime.strptime(came, "%H:%M").time(), day.tzinfo)
        clock.advance((at - clock.now()).total_seconds() if at > clock.now() else 0)
        flow.create("job", id, {"repository": "acme/api", "priority": int(priority)})
    (lane,) = flow.operations.lanes()
    assert [row.entity_id for row in lane.waiting] == [id for id, *_ in RANKED] == ["b", "c", "a", "d"]


def test_its_arithmetic_is_right():
    for _, priority, came, counts in RANKED:
        assert datetime.strptime(came, "%H:%M") - timedelta(minutes=10) * int(priority) == datetime.strptime(
            counts, "%H:%M"
        )


@pytest.fixture
def waiting(flow):
    """The two jobs that the page shows."""
    delivery = MemoryDelivery(flow)
    for id in ("17", "18"):
        flow.create("job", id, {"repository": "acme/api"})
        delivery.run()
        flow.runtime.clock.advance(60)
    flow.runtime.clock.advance(60)
    return flow


def test_the_table_it_shows_is_the_one_that_the_command_gives(waiting):
    shown = _block("text").splitlines()[1:]
    told = _run(waiting, "lanes").stdout.splitlines()
    assert [line.rstrip() for line in told if "─" not in line] == [line for line in shown if "─" not in line]


def test_the_sentence_of_explain_is_the_one_that_the_command_gives(waiting):
    (sentence,) = re.findall(r'"(waits in lane build [^"]*)"', PAGE)
    assert waiting.operations.explain("job", "18").reasons[0].what == sentence


@pytest.mark.parametrize("line", _block("sh").splitlines())
def test_every_command_it_shows_runs(waiting, line):
    result = _run(waiting, *shlex.split(line)[1:])
    assert (result.exit_code, result.stderr.replace("\r", "").count("Error")) == (0, 0)


def test_a_start_by_hand_of_a_full_lane_ends_with_the_code_that_it_names(waiting):
    assert "exit code 3" in " ".join(PAGE.split())
    assert _run(waiting, "fire", "job", "18", "start").exit_code == 3


def test_the_limit_that_it_shows_is_one(tmp_path):
    module: dict[str, object] = {}
    exec(compile(_block("python"), "docs/lanes.md", "exec"), module)
    asked = _block("yaml").replace("limit: 1", "limit: {function: build_limit}")
    (tmp_path / "job.yaml").write_text(asked, encoding="utf-8")
    flow = Workflow(tmp_path, MemoryStore(), handlers=[module["build_limit"]])
    (lane,) = flow.definitions.find("job").lanes.values()
    assert [limit_of(flow.runtime, lane, key) for key in ("acme/api", "acme/web")] == [3, 1]
