"""Who has a build in hand: one file, which is there whole or not at all, and only ever once."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

from handlers.builds.processes import Process

STOPPED = Process(0, "stopped before it was started")

_FILE = "runner.json"


def take(folder: Path, holder: Process) -> bool:
    """Notes the holder as the build's only one; False if there was one before."""
    descriptor, draft = tempfile.mkstemp(dir=folder)
    try:
        with os.fdopen(descriptor, "w") as file:
            json.dump(holder._asdict(), file)
        # A link to a finished file: nobody ever reads half of it, and only one process can make it.
        os.link(draft, folder / _FILE)
    except FileExistsError:
        return False
    finally:
        Path(draft).unlink()
    return True


def find_holder(folder: Path) -> Process | None:
    """The process that took the build, or None if nobody did, or `STOPPED`."""
    try:
        holder = Process(**json.loads((folder / _FILE).read_text()))
    except FileNotFoundError:
        return None
    return None if holder == STOPPED else holder
