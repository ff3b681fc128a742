"""`workflow dev --sam` and `--then`: by whom it deploys, and what it ends with, told by a cloud that is not started."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from workflow.cli.commands import workflow
from workflow.local import dev
from workflow.local.deploy import Deployer
from workflow.local.sam import SamDeployer


class Cloud:
    """As much of a deployed project as `dev` looks at before it follows its files."""

    endpoint_url, webhook_url, api_url = "http://127.0.0.1:1", "", ""

    def __init__(self, project: Path) -> None:
        self.project = project
        self.env = {"WORKFLOW_TABLE": "orders", "AWS_REGION": "us-east-1"}


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[Any]:
    """By whom each cloud was deployed, and "stopped" once it is no more."""
    events: list[Any] = []

    @contextmanager
    def cloud(project: Path, *, deployer: Any, **_: Any) -> Iterator[Cloud]:
        events.append(deployer)
        try:
            yield Cloud(project)
        finally:
            events.append("stopped")

    monkeypatch.setattr(dev, "local_cloud", cloud)
    monkeypatch.chdir(tmp_path)
    return events


def command(code: str) -> str:
    return f'{sys.executable} -c "{code}"'


@pytest.mark.parametrize(("options", "deployer"), [([], Deployer), (["--sam"], SamDeployer)])
def test_it_deploys_the_quick_way_unless_sam_is_asked_for(
    started: list[Any], options: list[str], deployer: type[Any]
) -> None:
    done = CliRunner().invoke(workflow, ["dev", *options, "--then", command("pass")])
    assert (done.exit_code, started) == (0, [deployer, "stopped"])


def test_the_command_finds_the_cloud_and_the_project_and_its_code_is_the_one_it_all_ends_with(
    started: list[Any], tmp_path: Path
) -> None:
    look = "import os, pathlib; pathlib.Path('seen').write_text(os.environ['WORKFLOW_TABLE']); raise SystemExit(7)"
    done = CliRunner().invoke(workflow, ["dev", "--then", command(look)])
    assert (done.exit_code, started) == (7, [Deployer, "stopped"])
    assert (tmp_path / "seen").read_text() == "orders"


@pytest.mark.parametrize("words", ["no-such-program", "unclosed 'quote"])
def test_a_command_that_cannot_be_run_is_named_and_the_cloud_stopped(started: list[Any], words: str) -> None:
    done = CliRunner().invoke(workflow, ["dev", "--then", words])
    assert done.exit_code != 0
    assert f"`{words}` cannot be run: " in done.output
    assert started == [Deployer, "stopped"]
