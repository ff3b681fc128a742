"""What a newcomer runs first: `make demo` tells its story, proves it, and leaves nothing behind."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

TIMEOUT_SECONDS = 120
MARK = f"demo-{uuid.uuid4().hex}"


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """The demo as a process; whatever it starts carries our mark, and keeps its files in the test's folder."""
    environment = os.environ | {"TMPDIR": str(tmp_path), "DEMO_MARK": MARK, "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "-m", "demo"]
    # From another folder, as a clone anywhere on a machine must work.
    with subprocess.Popen(
        command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        yield process
        process.kill()


def left_behind(folder: Path, output: str) -> list[str]:
    """Processes with our mark, files in the folder, and a cloud that still answers."""
    processes = [str(file) for file in Path("/proc").glob("[0-9]*/environ") if MARK in environment_of(file)]
    (endpoint_url,) = re.findall(r"ready at (http://\S+)", output)
    try:
        with urllib.request.urlopen(f"{endpoint_url}/_ministack/health", timeout=5):
            processes.append(endpoint_url)
    except urllib.error.HTTPError:
        processes.append(endpoint_url)
    except OSError:
        pass
    return processes + [path.name for path in folder.iterdir()]


def environment_of(file: Path) -> str:
    try:
        return file.read_bytes().decode("utf-8", "replace")
    except OSError:
        return ""


def test_the_demo_proves_its_story_with_facts_and_leaves_nothing_behind(
    demo: subprocess.Popen[str], tmp_path: Path
) -> None:
    output, errors = demo.communicate(timeout=TIMEOUT_SECONDS)
    _, _, ending = output.partition("9. The facts\n")
    assert (demo.returncode, errors) == (0, "")
    assert re.sub(r"in \d+ batches|\d+\.\d+ s", "...", ending).splitlines() == [
        "   Counted in the tables, the mailbox and the stream.",
        "",
        "   ok   33 requests, each answered as it should be: 27 accepted, 4 refused, 2 repeated",
        "   ok   31 transitions, 31 events: 27 asked for, 2 fired by hooks, 2 by lanes",
        "   ok   7 of 8 entities equal their folded history; changed by hand and recorded as a violation: job#7",
        "   ok   38 effects owed, 38 done: 36 in one attempt, 2 in their second, after the mail provider's refusal and "
        "`redrive`",
        "   ok   2 orders waited for a person for ...; what the others owed meanwhile was done within ...",
        "   ok   11 mails, none of them twice; 15 lines in the order history",
        "   ok   32 stream records reached the Lambda ...: 31 transitions, 1 by hand; no batch failed",
        "",
        "Nothing is left running. ... in all.",
    ]
    assert left_behind(tmp_path, output) == []


def test_ctrl_c_stops_the_demo_and_leaves_nothing_behind(demo: subprocess.Popen[str], tmp_path: Path) -> None:
    assert demo.stdout is not None
    told = ""
    while "1. Two orders" not in told:
        line = demo.stdout.readline()
        assert line, "the demo ended before its story began"
        told += line
    assert left_behind(tmp_path, told) != []
    demo.send_signal(signal.SIGINT)
    _, errors = demo.communicate(timeout=TIMEOUT_SECONDS)
    assert (demo.returncode, errors) == (130, "\nstopped; nothing is left running\n")
    assert left_behind(tmp_path, told) == []
