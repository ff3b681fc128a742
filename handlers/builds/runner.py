"""The process that builds one attempt of a job and reports how it ended: `python -m handlers.builds.runner`.

Its task comes by its input, as JSON. It answers `started` once the build is in hand, whoever's hand that is, and goes
on by itself.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from handlers.builds import checkout
from handlers.builds.local import STARTED
from handlers.builds.port import Build, check
from handlers.builds.processes import find_process
from handlers.builds.report import Report, send
from handlers.builds.slot import take

TOO_LONG = 124
NOT_THERE = 127
"""Exit codes of builds that took too long, or have no build.sh; as timeout(1) and shells have them."""

_SCRIPT = "build.sh"


class Run:
    """One build, from its checkout to its report."""

    def __init__(self, build: Build, folder: Path, limit_seconds: float) -> None:
        self.build = build
        self._home, self._work, self._log = folder / "work", folder / "work" / "source", folder / "log"
        self._deadline = time.monotonic() + limit_seconds
        self._child: subprocess.Popen[bytes] | None = None
        self._reporting = self._stopped = False

    def stop(self, *_: object) -> None:
        """What a polite kill does: the build's processes end, and nobody hears of it."""
        self._stopped = True
        self._kill()
        if self._reporting:
            os._exit(0)

    def build_it(self) -> Report | None:
        """Builds, and says how it ended; None if it was stopped."""
        self._work.mkdir(parents=True)
        try:
            with self._log.open("ab", buffering=0) as log:
                exit_code = self._exit_code(log)
        finally:
            shutil.rmtree(self._home, ignore_errors=True)
        # In this order: from here on, whoever stops it ends the process.
        self._reporting = True
        if self._stopped:
            return None
        return Report(self.build.job, self.build.attempt, exit_code, self._log.as_uri())

    def note(self, line: str) -> None:
        """Adds a line to the log."""
        with self._log.open("a") as log:
            log.write(f"{line}\n")

    def _exit_code(self, log: IO[bytes]) -> int:
        for command in checkout.commands(self.build.clone_url, self.build.commit, self._work):
            exit_code = self._call(command, log, checkout.ENVIRONMENT)
            if exit_code or self._stopped:
                return exit_code
        script = self._work / _SCRIPT
        if not script.is_file():
            log.write(f"the commit has no {_SCRIPT}\n".encode())
            return NOT_THERE
        return self._call([f"./{_SCRIPT}"], log, self._told())

    def _told(self) -> dict[str, str]:
        build = self.build
        return {
            "CI": "true",
            "JOB": build.job,
            "ATTEMPT": str(build.attempt),
            "REPOSITORY": build.repository,
            "BRANCH": build.branch,
            "COMMIT": build.commit,
        }

    def _call(self, command: Sequence[str], log: IO[bytes], told: dict[str, str]) -> int:
        """The exit code of one command, whose processes are all gone afterwards."""
        own = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        try:
            self._child = subprocess.Popen(
                command,
                cwd=self._work,
                env=own | {"HOME": str(self._home)} | told,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        except OSError as error:
            log.write(f"{command[0]} cannot be run: {error.strerror}\n".encode())
            return NOT_THERE - 1
        try:
            # Whoever was to stop it may have come before there was anything to stop.
            if self._stopped:
                return TOO_LONG
            code = self._child.wait(max(0.0, self._deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            log.write(b"the build took too long\n")
            return TOO_LONG
        finally:
            self._kill()
            self._child.wait()
            self._child = None
        return code if code >= 0 else 128 - code

    def _kill(self) -> None:
        if self._child is not None:
            # All of it is gone already where a build cleans up after itself.
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._child.pid, signal.SIGKILL)


def main() -> None:
    """Reads the task, leaves whoever started it, and builds."""
    task: dict[str, Any] = json.load(sys.stdin)
    build = check(Build(**{name: task[name] for name in Build._fields}))
    if os.fork():
        # Whoever started us waits for the end of our output, which the child has as well.
        os._exit(0)
    os.setsid()
    run = Run(build, Path(task["folder"]), task["limit_seconds"])
    signal.signal(signal.SIGTERM, run.stop)
    own = find_process(os.getpid())
    assert own is not None
    taken = take(Path(task["folder"]), own)
    print(STARTED, flush=True)
    if not taken:
        return
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nowhere, descriptor)
    report = run.build_it()
    if report is not None:
        send(report, task["runner_url"], task["secret"], note=run.note)


if __name__ == "__main__":
    main()
