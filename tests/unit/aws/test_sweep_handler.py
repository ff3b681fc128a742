"""The sweeper's Lambda: what it takes up, what it answers and logs, and whom it calls."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fakes.hooks import raising
from tests.shipped import HANDLERS
from tests.unit.aws.test_cold_start import NOT_IMPORTED
from tests.unit.runtime.delivery import Bench
from workflow import Refused
from workflow.aws.lambdas.sweep import SweepHandler
from workflow.definition.load import compile_definitions

REPOSITORY = Path(__file__).parents[3]
MINUTE = 60_000
NOTHING = {"timers_fired": 0, "started": 0, "effects_done": 0, "effects_failed": 0, "put_aside": 0, "for_people": 0}


def _sweep(bench: Bench, remaining_ms: int = MINUTE) -> dict[str, int]:
    return SweepHandler(bench.flow.runtime, workers=4).handle(remaining_ms)


def _put_aside(bench: Bench, error: Exception) -> None:
    """An order whose receipt failed and is due again."""
    bench.notes.failing["receipt"] = raising(error)
    bench.paid()
    assert bench.deliver().put_aside == 1
    bench.clock.advance(3600)


def test_a_sweep_answers_and_logs_how_much_there_was_of_what(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    bench = Bench()
    _put_aside(bench, ConnectionError("away"))
    bench.notes.failing.clear()
    assert _sweep(bench) == {**NOTHING, "effects_done": 2}
    assert json.loads(caplog.messages[-1]) == {**NOTHING, "effects_done": 2}
    assert _sweep(bench) == NOTHING


def test_what_now_waits_for_a_person_is_a_metric_by_kind_and_hook(capsys: pytest.CaptureFixture[str]) -> None:
    bench = Bench()
    _put_aside(bench, ConnectionError("away"))
    bench.notes.failing["receipt"] = raising(Refused("no such card"))
    assert _sweep(bench) == {**NOTHING, "effects_failed": 1, "for_people": 1}
    (line,) = capsys.readouterr().out.splitlines()
    metric = json.loads(line)
    assert metric.pop("_aws") == {
        "Timestamp": int(bench.clock.now().timestamp() * 1000),
        "CloudWatchMetrics": [
            {
                "Namespace": "Workflow",
                "Dimensions": [[], ["kind", "hook"]],
                "Metrics": [{"Name": "EffectsParked", "Unit": "Count"}],
            }
        ],
    }
    assert metric == {"kind": "order", "hook": "receipt", "EffectsParked": 1}


def test_nobody_is_called_for_what_goes_on_by_itself(capsys: pytest.CaptureFixture[str]) -> None:
    bench = Bench()
    _put_aside(bench, ConnectionError("away"))
    assert _sweep(bench)["put_aside"] == 1
    assert capsys.readouterr().out == ""


def test_a_sweep_without_time_left_begins_nothing_and_the_next_one_does_it() -> None:
    bench = Bench()
    _put_aside(bench, ConnectionError("away"))
    bench.notes.failing.clear()
    bench.notes.forget()
    assert _sweep(bench, remaining_ms=0) == NOTHING
    assert bench.notes.ran == []
    assert _sweep(bench) == {**NOTHING, "effects_done": 2}


COLD_START = """
import sys
from workflow.aws.lambdas import sweep
print(sweep._handler is not None, *sorted(sys.modules))
"""


def test_it_opens_its_handler_once_and_imports_nothing_that_it_does_not_run(tmp_path: Path) -> None:
    compiled = tmp_path / "definitions.json"
    compiled.write_text(compile_definitions(REPOSITORY / "definitions"), encoding="utf-8")
    environment = {
        "PYTHONPATH": str(REPOSITORY),
        "PATH": os.environ["PATH"],
        "AWS_LAMBDA_FUNCTION_NAME": "sweep",
        "AWS_DEFAULT_REGION": "eu-central-1",
        "WORKFLOW_TABLE": "table",
        "WORKFLOW_DEFINITIONS": str(compiled),
        "WORKFLOW_HANDLERS": ",".join(HANDLERS),
    }
    done = subprocess.run([sys.executable, "-c", COLD_START], env=environment, capture_output=True, text=True)
    assert done.stderr == ""
    opened, *modules = done.stdout.split()
    assert opened == "True"
    assert {"botocore", "workflow.runtime.sweep", "handlers.order"} <= set(modules)
    assert [name for name in NOT_IMPORTED if name in modules] == []
