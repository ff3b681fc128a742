"""`make demo STORY=hydrate` tells its story, proves it, and leaves nothing behind."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.acceptance.test_demo import MARK, left_behind

TIMEOUT_SECONDS = 480


def test_the_story_of_moving_in_proves_itself_and_leaves_nothing_behind(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "demo", "hydrate"],
        # From another folder, as a clone anywhere on a machine must work.
        cwd=tmp_path,
        env=os.environ | {"TMPDIR": str(tmp_path), "DEMO_MARK": MARK},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
    )
    _, _, ending = done.stdout.partition("7. The facts\n")
    assert (done.returncode, done.stderr) == (0, ""), ending
    assert re.sub(r"\d+\.\d+ s", "...", ending).splitlines() == [
        "   Counted in the tables, the mailbox, and what the commands answered.",
        "",
        "   ok   read in the wrong encoding: one error with file, line, column and the way out; nothing was written",
        "   ok   1,000 parcels, killed in the middle and hydrated again: each one once, each read again and right",
        "   ok   7 bad lines put aside with number and reason, which quotes no address; the rest went on",
        "   ok   1,000 shipments; of 50 looked at, each history is 1..n and makes its entity",
        "   ok   the same command once more changed no item of the table",
        "   ok   no hook ran for what happened: 1 mail, for the one parcel that moved since",
        "   ok   archived and hydrated into orders-copy: entities, events and times are the same",
        "   ok   `workflow verify` finds nothing wrong with 1,000 entities, 3,701 events, 2,602 effects",
        "",
        "Nothing is left running. ... in all.",
    ]
    assert left_behind(tmp_path, done.stdout) == []
