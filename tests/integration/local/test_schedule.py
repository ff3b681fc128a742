"""The schedule on the embedded cloud: the cloud's own wakes nobody, ours wakes the deployed function."""

from __future__ import annotations

import queue
import shutil
from pathlib import Path

import pytest

from workflow.aws.client import make_client
from workflow.local.deploy import Deployer
from workflow.local.embedded_cloud import EmbeddedCloud
from workflow.local.errors import DeployError, SweepError
from workflow.local.package import build
from workflow.local.schedule import Schedule, Sweep
from workflow.local.stack import Stack

SWEPT = {"timers_fired": 1, "effects_done": 2}


def test_the_templates_schedule_is_read_and_stays_on_as_on_aws(stack: Stack) -> None:
    scheduler = make_client("scheduler", endpoint_url=stack.endpoint_url)
    mine = [
        found
        for listed in scheduler.list_schedules()["Schedules"]
        if (found := scheduler.get_schedule(Name=listed["Name"]))["Target"]["Arn"].endswith(stack.sweep_function_name)
    ]
    assert [(found["State"], found["ScheduleExpression"]) for found in mine] == [("ENABLED", "rate(1 minute)")]
    assert stack.sweep_seconds == 60


def test_a_sweep_that_fails_is_not_tried_again_by_lambda(stack: Stack) -> None:
    functions = make_client("lambda", endpoint_url=stack.endpoint_url)
    asked = functions.get_function_event_invoke_config(FunctionName=stack.sweep_function_name, Qualifier="$LATEST")
    assert asked["MaximumRetryAttempts"] == 0


def test_it_sweeps_again_and_again_until_its_block_ends(stack: Stack) -> None:
    told: queue.Queue[Sweep] = queue.Queue()
    with Schedule(stack, every_seconds=0.05, on_sweep=told.put):
        sweeps = [told.get(timeout=10) for _ in range(3)]
    assert [(sweep.counts, sweep.failure, sweep.log.strip()) for sweep in sweeps] == [(SWEPT, "", "SWEPT")] * 3
    while not told.empty():
        told.get()
    with pytest.raises(queue.Empty):
        told.get(timeout=0.2)


def test_a_sweep_may_be_asked_for_between_those_of_the_schedule(stack: Stack) -> None:
    told: list[Sweep] = []
    with Schedule(stack, on_sweep=told.append) as schedule:
        assert schedule.sweep() == SWEPT
    assert [sweep.counts for sweep in told] == [SWEPT]


def test_a_function_that_fails_is_told_and_the_next_sweep_comes_anyway(
    embedded_cloud: EmbeddedCloud, project: Path, tmp_path: Path
) -> None:
    failing = tmp_path / "project"
    shutil.copytree(project, failing, ignore=shutil.ignore_patterns("build"))
    fails = "def sweep(event, context):\n    if 'Records' not in event:\n        raise LookupError('no table')\n"
    (failing / "handlers" / "probe.py").write_text(f"def handler(event, context): pass\n\n\n{fails}")
    stack = Deployer(embedded_cloud.endpoint_url, "failing").deploy(failing / "template.yaml", build(failing))
    told: queue.Queue[Sweep] = queue.Queue()
    with Schedule(stack, every_seconds=0.05, on_sweep=told.put) as schedule:
        assert [told.get(timeout=10).failure for _ in range(2)] == ["no table"] * 2
        with pytest.raises(SweepError, match=rf"^{stack.sweep_function_name} failed: no table"):
            schedule.sweep()


def test_a_sweep_function_that_does_not_run_is_not_deployed(
    embedded_cloud: EmbeddedCloud, project: Path, tmp_path: Path
) -> None:
    template = tmp_path / "template.yaml"
    template.write_text((project / "template.yaml").read_text().replace("handlers.probe.sweep", "handlers.probe.gone"))
    with pytest.raises(DeployError, match=r"-SweepFunction-\w+ does not run: .*gone"):
        Deployer(embedded_cloud.endpoint_url, "gone").deploy(template, build(project))
