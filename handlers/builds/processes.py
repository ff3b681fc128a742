"""Who a process is: a number is given again, its number and its moment of birth are not."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path
from typing import NamedTuple

_PROC = Path("/proc")


class Process(NamedTuple):
    """One process of this machine; `born` is the system's own text for when it began."""

    pid: int
    born: str

    def is_alive(self) -> bool:
        """Whether it runs, and is not another one with its number."""
        return find_process(self.pid) == self

    def stop(self, *, patience_seconds: float) -> None:
        """Ends it: politely first, and for sure after the patience. Nothing happens if it has ended."""
        for polite in (True, False):
            if not self._send(signal.SIGTERM if polite else signal.SIGKILL):
                return
            deadline = time.monotonic() + patience_seconds
            while self.is_alive() and time.monotonic() < deadline:
                time.sleep(0.02)

    def _send(self, number: signal.Signals) -> bool:
        if not self.is_alive():
            return False
        try:
            os.kill(self.pid, number)
        except ProcessLookupError:
            return False
        return True


def find_process(pid: int) -> Process | None:
    """The process of that number as it is now, or None; one that ended and was not yet collected counts as ended."""
    state, born = _from_proc(pid) if _PROC.is_dir() else _from_ps(pid)
    return Process(pid, born) if born and not state.startswith("Z") else None


def _from_proc(pid: int) -> tuple[str, str]:
    # The second field is the command in brackets, which may hold brackets and blanks itself.
    # https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
    try:
        fields = (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return "", ""
    return fields[0], fields[19]


def _from_ps(pid: int) -> tuple[str, str]:
    said = subprocess.run(["ps", "-o", "stat=,lstart=", "-p", str(pid)], capture_output=True, text=True).stdout
    state, _, born = said.strip().partition(" ")
    return state, born.strip()
