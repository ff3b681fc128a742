"""Builds as processes of this machine, for laptops: a build is as mighty as whoever runs the hooks."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from handlers.builds.port import Build, check, name_of
from handlers.builds.processes import Process
from handlers.builds.slot import STOPPED, find_holder, take

STARTED = "started"
_RUNNER = "handlers.builds.runner"
_START_TIMEOUT_SECONDS = 30
_STOP_PATIENCE_SECONDS = 5
# What a build could not do without; no credentials of the hooks are among it.
_PASSED_ON = ("PATH", "LANG", "LC_ALL", "TZ", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR")


class BuildNotStartedError(Exception):
    """No runner came up; another try may find one."""


class LocalBuilds:
    """Each build has a folder of its own in `folder`, with its log and the runner that has it in hand.

    A runner is a process of its own, which lives on when the hook's process ends; only the first one for a key builds.
    """

    def __init__(self, folder: Path, *, runner_url: str, secret: Callable[[], str], limit_seconds: float = 900) -> None:
        self._folder, self._runner_url, self._secret, self._limit = folder.resolve(), runner_url, secret, limit_seconds

    def folder(self, key: str) -> Path:
        """Where the build of that key keeps its files."""
        return self._folder / name_of(key)

    def start(self, build: Build) -> None:
        """Starts a runner, and returns once it has the build in hand, or another one has had it before."""
        check(build)
        folder = self.folder(build.key)
        folder.mkdir(parents=True, exist_ok=True)
        task = build._asdict() | {
            "folder": str(folder),
            "runner_url": self._runner_url,
            "secret": self._secret(),
            "limit_seconds": self._limit,
        }
        self._run(json.dumps(task))

    def _run(self, task: str) -> None:
        # By its input, which neither `ps` nor the environment shows: the task has the secret in it.
        try:
            ran = subprocess.run(
                [sys.executable, "-m", _RUNNER],
                input=task,
                capture_output=True,
                text=True,
                env=_environment(),
                timeout=_START_TIMEOUT_SECONDS,
            )
        except subprocess.TimeoutExpired:
            raise BuildNotStartedError(f"no runner came up within {_START_TIMEOUT_SECONDS} s") from None
        if ran.stdout.strip() != STARTED:
            raise BuildNotStartedError(f"no runner came up (exit code {ran.returncode}): {ran.stderr[-500:].strip()}")

    def stop(self, key: str) -> None:
        """Ends the build's own processes; a build that was not started yet never will be."""
        folder = self.folder(key)
        folder.mkdir(parents=True, exist_ok=True)
        if not take(folder, STOPPED):
            _end(find_holder(folder))

    def stop_all(self) -> None:
        """Ends every build of the folder, as whoever put it up may want to before it goes away."""
        for folder in self._folder.iterdir() if self._folder.is_dir() else ():
            _end(find_holder(folder))


def _end(holder: Process | None) -> None:
    if holder is not None:
        holder.stop(patience_seconds=_STOP_PATIENCE_SECONDS)


def _environment() -> dict[str, str]:
    passed_on = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    return passed_on | {"PYTHONPATH": str(Path(__file__).parents[2]), "PYTHONDONTWRITEBYTECODE": "1"}
