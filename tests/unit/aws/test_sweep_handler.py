"""The sweeper's Lambda: what it takes up, what it answers and logs, and whom it calls."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fakes.emf import metrics
from tests.fakes.hooks import raising
from tests.fakes.log import of_line
from tests.shipped import HANDLERS
from tests.unit.aws.test_cold_start import NOT_IMPORTED
from tests.unit.runtime.delivery import Bench
from workflow import Refused
from workflow.aws.lambdas.sweep import SweepHandler
from workflow.aws.metrics import PARKED_NOW, EmfMeter
from workflow.definition.load import compile_definitions
from workflow.runtime.metering import Meter

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
    assert caplog.messages[-1] == "swept"
    assert of_line(caplog.records[-1]) == {**NOTHING, "effects_done": 2}
    assert _sweep(bench) == NOTHING


def test_what_now_waits_for_a_person_is_a_metric_by_kind_and_hook(capsys: pytest.CaptureFixture[str]) -> None:
    bench = Bench()
    _put_aside(bench, ConnectionError("away"))
    bench.notes.failing["receipt"] = raising(Refused("no such card"))
    assert _sweep(bench) == {**NOTHING, "effects_failed": 1, "for_people": 1}
    lines = capsys.readouterr().out.splitlines()
    assert metrics(lines) == {
        ("EffectsFailed", "table=none"): 1,
        ("EffectsParked",): 1,
        ("EffectsParked", "table=none"): 1,
        ("EffectsParked", "table=none", "kind=order", "hook=receipt"): 1,
    }


def test_nobody_is_called_for_what_goes_on_by_itself(capsys: pytest.CaptureFixture[str]) -> None:
    bench = Bench()
    _put_aside(bench, ConnectionError("away"))
    assert _sweep(bench)["put_aside"] == 1
    counted = metrics(capsys.readouterr().out.splitlines())
    assert counted == {("EffectsFailed", "table=none"): 1, ("EffectsPutAside", "table=none"): 1}


def test_who_waits_at_this_moment_is_counted_with_each_sweep(capsys: pytest.CaptureFixture[str]) -> None:
    class Some:
        def count(self, meter: Meter) -> None:
            meter.count(PARKED_NOW, 3)

    bench = Bench()
    handler = SweepHandler(bench.flow.runtime, meter=EmfMeter("orders", bench.clock), gauges=Some())
    for _ in range(2):
        handler.handle(MINUTE)
        assert metrics(capsys.readouterr().out.splitlines()) == {("ParkedNow", "table=orders"): 3}


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
