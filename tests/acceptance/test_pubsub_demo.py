"""`make demo STORY=pubsub` tells its story, proves it, and leaves nothing behind."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.acceptance.test_demo import MARK, left_behind

TIMEOUT_SECONDS = 480


def test_the_story_of_the_invoices_proves_itself_and_leaves_nothing_behind(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "demo", "pubsub"],
        # From another folder, as a clone anywhere on a machine must work.
        cwd=tmp_path,
        env=os.environ | {"TMPDIR": str(tmp_path), "DEMO_MARK": MARK},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
    )
    _, _, ending = done.stdout.partition("5. The facts\n")
    assert (done.returncode, done.stderr) == (0, ""), ending
    assert re.sub(r"\d+\.\d+ s", "...", ending).splitlines() == [
        "   Counted in the table, and in what the three readers got.",
        "",
        "   ok   32 invoices owed 108 messages; 108 were read",
        "   ok   54 of them came through the FIFO queue, each once, by its deduplication id",
        "   ok   in the queue, the versions of each invoice rise",
        "   ok   no message holds a customer's address or account",
        "   ok   1 message points into the bucket, for what it could not carry",
        "",
        "Nothing is left running. ... in all.",
    ]
    assert left_behind(tmp_path, done.stdout) == []
