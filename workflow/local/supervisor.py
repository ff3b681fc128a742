"""Run one command and take its whole process group down as soon as our own parent is gone.

Executed as a file by a bare interpreter (`python -I -S supervisor.py FOLDER COMMAND...`), so: standard library only,
nothing from `workflow`. The parent holds the other end of our standard input. When that closes, because the parent
stopped us or because it was killed, the group is killed and FOLDER, the command's working folder, is removed.
"""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import signal
import subprocess
import sys

POLL_SECONDS = 0.2


def _stand_down(*_: object) -> None:
    raise SystemExit(0)


def _parent_has_gone(timeout_seconds: float) -> bool:
    readable, _, _ = select.select([sys.stdin.fileno()], [], [], timeout_seconds)
    return bool(readable) and not os.read(sys.stdin.fileno(), 1)


def supervise(folder: str, command: list[str]) -> int:
    """Return the command's exit code if it ended by itself; its folder is then left for the parent to read."""
    # A group of its own: Ctrl-C in the terminal reaches the parent, which decides about the order of stopping.
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)
    try:
        while process.poll() is None:
            if _parent_has_gone(POLL_SECONDS):
                return 0
        return process.returncode
    finally:
        ended_by_itself = process.poll() is not None
        # Also when the command itself has ended: what it started may be alive.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        if not ended_by_itself:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _stand_down)
    sys.exit(supervise(sys.argv[1], sys.argv[2:]))
