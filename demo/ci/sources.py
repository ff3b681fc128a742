"""Small git repositories whose commits say how their builds go."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import NamedTuple

_WHO = ("-c", "user.name=Eve", "-c", "user.email=eve@example.com", "-c", "commit.gpgsign=false")


class Script(NamedTuple):
    """How a build goes: it waits for its gate if it has one, then takes its time, then ends so. A job's later attempts
    wait for no gate, and pass."""

    gate: str = ""
    seconds: float = 0.0
    exit_code: int = 0


QUICK = Script()


class Sources:
    """Git repositories in one folder, and what their builds leave there: a line for each that runs."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._runs, self._gates = folder / "runs", folder / "gates"
        self._gates.mkdir(parents=True)

    def url(self, name: str) -> str:
        """Where builds clone the repository from."""
        return (self._folder / name).as_uri()

    def make(self, name: str) -> None:
        """Makes an empty repository."""
        (self._folder / name).mkdir(parents=True)
        self._git(name, "init", "--quiet", "--initial-branch=main")

    def commit(self, name: str, script: Script = QUICK) -> str:
        """Commits a build.sh that goes so, and returns the commit, which is another one each time."""
        file = self._folder / name / "build.sh"
        file.write_text(self._text(script))
        file.chmod(0o755)
        self._git(name, "add", "--all")
        self._git(name, "commit", "--quiet", "--allow-empty", "--message=change")
        return self._git(name, "rev-parse", "HEAD")

    def open_gate(self, gate: str) -> None:
        """Lets the builds go on that wait for it."""
        self._gate(gate).touch()

    def runs(self) -> list[str]:
        """`job#attempt` of each build.sh that was run, in that order."""
        return self._runs.read_text().split() if self._runs.exists() else []

    def _gate(self, gate: str) -> Path:
        return self._gates / gate.replace("/", "-")

    def _text(self, script: Script) -> str:
        lines = ["#!/bin/sh", f'echo "$JOB#$ATTEMPT" >> "{self._runs}"']
        if script.gate:
            # It gives up by itself where the folder has gone: nothing is left behind, whatever becomes of the worker.
            shut = f'[ "$ATTEMPT" = 1 ] && [ -d "{self._gates}" ] && [ ! -e "{self._gate(script.gate)}" ]'
            lines += [f"while {shut}; do", "  sleep 0.05", "done"]
        return "\n".join([*lines, f"sleep {script.seconds}", f'[ "$ATTEMPT" != 1 ] || exit {script.exit_code}', ""])

    def _git(self, name: str, *words: str) -> str:
        command = ["git", *_WHO, *words]
        done = subprocess.run(command, cwd=self._folder / name, check=True, capture_output=True, text=True)
        return done.stdout.strip()
