"""The cache folder of engines: each installed once, by one process, or not at all."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from workflow.local.errors import InstallEngineError

_FINISHED = ".finished"
_OUTPUT_TAIL_LINES = 8


def cache_folder() -> Path:
    """Return where downloads are kept: `WORKFLOW_CACHE`, else `stream-workflow` in the XDG cache folder."""
    if chosen := os.environ.get("WORKFLOW_CACHE"):
        return Path(chosen).expanduser().resolve()
    xdg = os.environ.get("XDG_CACHE_HOME")
    return (Path(xdg) if xdg else Path.home() / ".cache") / "stream-workflow"


def installed(name: str, install: Callable[[Path], None]) -> Path:
    """Return the cached folder `name`, complete: a half-done one is removed and `install` runs again.

    Processes that ask at the same time wait for the first one. Raises whatever `install` raises.
    """
    folder = cache_folder() / name
    if (folder / _FINISHED).exists():
        return folder
    with locked(folder):
        if not (folder / _FINISHED).exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            install(folder)
            (folder / _FINISHED).touch()
    return folder


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a lock on making `folder`, against every other process, for as long as the block lasts."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_name(folder.name + ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def run_tool(command: Sequence[str], *, purpose: str, cwd: Path | None = None) -> str:
    """Run an installer quietly and return its standard output.

    Raises InstallEngineError with the end of its output if it fails, or with its name if there is no such program.
    """
    try:
        done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    except FileNotFoundError:
        raise InstallEngineError(f"{purpose}: there is no `{command[0]}` on PATH; install it first") from None
    if done.returncode != 0:
        tail = "\n".join((done.stdout + done.stderr).strip().splitlines()[-_OUTPUT_TAIL_LINES:])
        raise InstallEngineError(f"{purpose}: `{Path(command[0]).name}` failed:\n{tail}")
    return done.stdout
