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
from collections.abc import Iterator
from pathlib import Path

import pytest

from workflow.aws.client import make_client

DEV = """
import sys
from pathlib import Path
from workflow.local.dev import run_dev
run_dev(Path(sys.argv[1]), lambda line: print(line, flush=True))
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
        """Return the next line that starts so; queue.Empty after half a minute of silence."""
        while not (line := self._lines.get(timeout=30)).startswith(start):
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
