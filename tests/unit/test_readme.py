"""What the README shows works as it stands there."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.fakes.clock import FakeClock
from workflow import Effect, Refused, Workflow, hook
from workflow.cli.commands import workflow
from workflow.testing import MemoryDelivery, MemoryStore

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")


def _blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the files that the README shows."""
    (definition,), (hooks, *_), (settings,) = _blocks("yaml"), _blocks("python"), _blocks("toml")
    for name, text in (
        ("definitions/order.yaml", definition),
        ("handlers/__init__.py", ""),
        ("handlers/order.py", hooks),
        ("pyproject.toml", settings),
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_python_it_shows_runs_and_says_what_happened(project: Path) -> None:
    _, program, _ = _blocks("python")
    told = "\nimport handlers.order\nprint(handlers.order.outbox)\n"
    done = subprocess.run(
        [sys.executable, "-c", program + told], cwd=project, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == [
        "paid ['create', 'pay']",
        "[{'to': 'a@b.c', 'idempotency_key': 'order#42#2#send_receipt'}]",
    ]


def test_the_commands_it_shows_run_one_after_another(project: Path) -> None:
    (commands,) = [block for block in _blocks("sh") if "workflow check" in block]
    flow = Workflow(project / "definitions", MemoryStore(), hooks_required=False)
    said = {}
    for line in commands.splitlines():
        _, *arguments = shlex.split(line, comments=True)
        if arguments[0] == "check":
            # In a process of its own, since it imports the project's handlers.
            done = subprocess.run([sys.executable, "-m", "workflow", "check"], capture_output=True, text=True)
            assert (done.returncode, done.stdout) == (0, "1 definition, 4 states, 4 transitions: all good\n"), (
                done.stderr
            )
            continue
        result = CliRunner().invoke(workflow, arguments, obj=lambda settings: flow)
        assert result.exit_code == 0, result.output
        said[arguments[0]] = result.output
    assert said["create"] == "order 42: created in placed (version 1)\n"
    assert said["fire"] == "order 42: placed -> paid (version 2)\n"
    assert "pay" in said["history"]
    assert "42" in said["list"]


def test_the_simulation_it_shows_keeps_every_promise(project: Path) -> None:
    *_, program = _blocks("python")
    done = subprocess.run([sys.executable, "-c", program], cwd=project, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_commands_for_what_fails_run_one_after_another(project: Path) -> None:
    (commands,) = [block for block in _blocks("sh") if "workflow parked" in block]
    clock = FakeClock()
    flow = Workflow(project / "definitions", MemoryStore(), handlers=[refusing], clock=clock)
    flow.create("order", "42", {"email": "a@b.c", "total": 120})
    flow.fire("order", "42", "pay", {"amount": 120})
    MemoryDelivery(flow).run()
    said = {}
    for line in commands.splitlines():
        _, *arguments = shlex.split(line, comments=True)
        result = CliRunner().invoke(workflow, arguments, obj=lambda settings: flow)
        assert result.exit_code == 0, result.output
        said[arguments[0]] = result.output
    assert "1 put aside: 1 waits for a person" in said["parked"]
    assert "workflow redrive order 42" in said["explain"]
    assert said["skip"].startswith("order 42: send_receipt is skipped; the entity goes on with the next sweep")
    MemoryDelivery(flow).sweep()
    (entry,) = flow.effects("order", "42")
    assert (entry.settled, entry.outcomes["send_receipt"].note.endswith("sent by hand")) == (True, True)


@hook(name="send_receipt")
def refusing(effect: Effect) -> None:
    raise Refused("no such address")


def test_every_file_it_points_at_is_there() -> None:
    pointed = [target for target in re.findall(r"\]\(([^)#]+)", README) if "://" not in target]
    missing = [target for target in pointed if not (Path(__file__).parents[2] / target).exists()]
    assert missing == []
