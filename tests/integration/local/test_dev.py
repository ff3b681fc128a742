"""`workflow dev`, from start to Ctrl-C."""

from __future__ import annotations

import os
import queue
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from workflow import Workflow
from workflow.aws.client import make_client

REPOSITORY = Path(__file__).parents[3]
DEV = """
import sys
from pathlib import Path
from workflow.local.dev import run_dev
# One write for a line and its end: `print` makes two, and another thread's line gets in between.
run_dev(Path(sys.argv[1]), lambda line: (sys.stdout.write(line + "\\n"), sys.stdout.flush()))
"""


class Dev:
    """The running command, and its lines as they come."""

    def __init__(self, project: Path) -> None:
        self.process = subprocess.Popen([sys.executable, "-c", DEV, str(project)], stdout=subprocess.PIPE, text=True)
        self._lines: queue.Queue[str] = queue.Queue()
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as lines:
            for line in lines:
                self._lines.put(line.rstrip("\n"))

    def until(self, start: str) -> str:
        """Return the next line that starts so; queue.Empty if none comes within half a minute."""
        deadline = time.monotonic() + 30
        while not (line := self._lines.get(timeout=max(0, deadline - time.monotonic()))).startswith(start):
            pass
        return line

    def end(self) -> int:
        code = self.process.wait(timeout=20)
        self._thread.join()
        return code


@pytest.fixture
def dev(project: Path, tmp_path: Path) -> Iterator[Dev]:
    copy = tmp_path / "project"
    shutil.copytree(project, copy, ignore=shutil.ignore_patterns("build"))
    dev = Dev(copy)
    yield dev
    dev.process.kill()
    dev.end()


DEVICE = """\
kind: device
version: 1
initial: idle
states:
  idle: {on_enter: [greet]}
  busy: {}
transitions:
  start: {from: idle, to: busy}
  stop: {from: busy, to: idle}
"""
LAMP = """\
kind: lamp
version: 1
initial: dark
states:
  dark: {}
  lit: {}
  broken: {final: true}
lanes:
  glow: {waiting: dark, running: lit, trigger: light}
transitions:
  light: {from: dark, to: lit}
  burst: {from: lit, to: broken}
"""
GREET = """\
from workflow import hook

@hook
def greet(effect):
    raise ValueError("a poison hook")
"""


@pytest.fixture
def own_names(tmp_path: Path) -> Path:
    """A project with a copied template and folders of other names."""
    project = tmp_path / "project"
    (project / "hooks").mkdir(parents=True)
    (project / "flows").mkdir()
    shutil.copy(REPOSITORY / "template.yaml", project)
    (project / "pyproject.toml").write_text('[tool.workflow]\ndefinitions = "flows"\nhandlers = ["hooks.device"]\n')
    (project / "hooks" / "device.py").write_text(GREET)
    (project / "flows" / "device.yaml").write_text(DEVICE)
    (project / "flows" / "lamp.yaml").write_text(LAMP)
    return project


def test_dev_follows_a_project_with_folders_of_its_own_names(own_names: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dev = Dev(own_names)
    try:
        for _ in range(6):
            name, _, value = dev.until("    export ").removeprefix("    export ").partition("=")
            monkeypatch.setenv(name, value)
        assert os.environ["AWS_DEFAULT_REGION"] == "us-east-1"
        assert dev.until("watching").startswith("watching flows/, hooks/, template.yaml, pyproject.toml; Ctrl-C")

        monkeypatch.chdir(own_names)
        monkeypatch.setenv("WORKFLOW_HANDLERS", "")
        flow = Workflow.from_env(hooks_required=False)
        flow.create("device", "1")
        assert dev.until("device 1") == "device 1  v1  (new) -> idle  create"
        assert dev.until("    | ValueError") == "    | ValueError: a poison hook"

        flow.create("lamp", "1")
        assert dev.until("lamp 1  v1") == "lamp 1  v1  (new) -> dark  create  [glow: queued, 1 waits]"
        assert dev.until("lamp 1  v2") == "lamp 1  v2  dark -> lit  light  [glow: slot 1 taken, 0 wait]"
        flow.create("lamp", "2")
        assert dev.until("lamp 2  v1").endswith("[glow: queued, 1 waits]")
        flow.fire("lamp", "1", "burst")
        assert dev.until("lamp 1  v3").endswith("[glow: slot 1 free, 1 waits]")
        assert dev.until("lamp 2  v2").endswith("[glow: slot 1 taken, 0 wait]")

        definition, hooks = own_names / "flows" / "device.yaml", own_names / "hooks" / "device.py"
        replace(definition, DEVICE.replace("greet", "byee"))
        assert dev.until("changed") == "changed: flows/device.yaml"
        dev.until("not deployed:")
        assert "no hook 'byee' is registered" in dev.until("")
        replace(hooks, "def (")
        assert dev.until("changed") == "changed: hooks/device.py"
        dev.until("not deployed:")
        assert dev.until("") == "hooks/device.py:1: invalid syntax"
        # One write for the whole line, which then stays whole in the log whoever writes beside it.
        said = "import sys; sys.stdout.write('good' + ' bye\\n')"
        replace(hooks, GREET.replace("greet", "byee").replace('raise ValueError("a poison hook")', said))
        assert dev.until("changed") == "changed: hooks/device.py"
        dev.until("deployed again in ")
        flow.create("device", "2")
        dev.until("device 2  v1")
        assert dev.until("    | good") == "    | good bye"
    finally:
        dev.process.kill()
        dev.end()


def replace(path: Path, text: str) -> None:
    """Save as editors do: a new file takes the place of the old one."""
    new = path.with_name(path.name + "~")
    new.write_text(text)
    new.replace(path)


def test_dev_shows_transitions_deploys_changes_survives_mistakes_and_stops_clean(dev: Dev, tmp_path: Path) -> None:
    endpoint_url = dev.until("    export AWS_ENDPOINT_URL=").partition("=")[2]
    table = dev.until("    export WORKFLOW_TABLE=").partition("=")[2]
    dev.until("watching ")
    item = {
        "pk": {"S": "order#1"},
        "sk": {"S": "entity"},
        "state": {"S": "placed"},
        "version": {"N": "1"},
        "event": {"S": "e1"},
        "edge": {"S": "order@1 create - placed"},
    }
    make_client("dynamodb", endpoint_url=endpoint_url).put_item(TableName=table, Item=item)
    assert dev.until("order 1") == "order 1  v1  (new) -> placed  create"

    probe = tmp_path / "project" / "handlers" / "probe.py"
    text = probe.read_text()
    probe.write_text("def (")
    assert dev.until("changed") == "changed: handlers/probe.py"
    assert dev.until("not deployed") == "not deployed:"
    assert dev.until("handlers") == "handlers/probe.py:1: invalid syntax"
    probe.write_text(text + "# better\n")
    dev.until("deployed again in ")

    working = set(Path(tempfile.gettempdir()).glob("stream-workflow-*"))
    os.kill(dev.process.pid, signal.SIGINT)
    assert dev.until("stopped") == "stopped"
    assert dev.end() == 0
    gone = working - set(Path(tempfile.gettempdir()).glob("stream-workflow-*"))
    assert len(gone) == 1
