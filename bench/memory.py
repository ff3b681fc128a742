"""The most memory that this process has held: nothing is imported, so it can stand in a cold start that is measured."""

from __future__ import annotations

import resource
import sys


def most_kilobytes() -> int:
    """The most memory resident since the program began, in KiB; on Linux that of this program alone.

    Linux keeps `ru_maxrss` over fork and exec, so that a small child of a large process told its parent's most;
    VmHWM of proc_pid_status(5) begins anew with the program.
    """
    try:
        with open("/proc/self/status", encoding="ascii") as status:  # noqa: PTH123  pathlib would be measured
            return next(int(line.split()[1]) for line in status if line.startswith("VmHWM:"))
    except OSError:
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return most // 1024 if sys.platform == "darwin" else most
