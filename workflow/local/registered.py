"""The names that a project's handler modules register, asked of a new process: it has never seen an older version."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from workflow.definition.registered import Registered
from workflow.errors import RegisterHookError
from workflow.runtime.hooks import Hooks

_TIMEOUT_SECONDS = 20
_TAIL_LINES = 8


def read_registered(project: Path, modules: Sequence[str]) -> Registered:
    """Return what the modules register as they are now; raises RegisterHookError if they cannot be imported."""
    if not modules:
        return Registered()
    # -B: byte code is trusted by its source's second and size, and two saves may share both.
    command = [sys.executable, "-B", "-m", __name__, *modules]
    try:
        done = subprocess.run(
            command,
            cwd=project,
            capture_output=True,
            text=True,
            errors="replace",
            stdin=subprocess.DEVNULL,
            timeout=_TIMEOUT_SECONDS,
        )
    except subprocess.TimeoutExpired:
        message = f"the handler modules were still being imported after {_TIMEOUT_SECONDS} s; what do they wait for?"
        raise RegisterHookError(message) from None
    return _understood(done)


def _understood(done: subprocess.CompletedProcess[str]) -> Registered:
    if not done.stdout:
        tail = "\n".join(done.stderr.strip().splitlines()[-_TAIL_LINES:])
        raise RegisterHookError(
            f"importing the handler modules ended the process (exit code {done.returncode})\n{tail}"
        )
    answer = json.loads(done.stdout)
    if "error" in answer:
        raise RegisterHookError(answer["error"])
    hooks = {name: tuple(fires) for name, fires in answer["hooks"].items()}
    return Registered(hooks, tuple(answer["guards"]), tuple(answer["probes"]))


def _answer(modules: Sequence[str]) -> dict[str, object]:
    try:
        return asdict(Hooks(modules).registered)
    except RegisterHookError as error:
        return {"error": str(error)}


if __name__ == "__main__":
    # Modules may print while they are imported: standard output is kept for the answer alone.
    output = os.dup(1)
    os.dup2(2, 1)
    os.write(output, json.dumps(_answer(sys.argv[1:])).encode())
