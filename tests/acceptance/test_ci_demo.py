"""`make demo STORY=ci` tells its story, proves it, and leaves nothing behind."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.acceptance.test_demo import MARK, left_behind

TIMEOUT_SECONDS = 180


def test_the_story_of_the_scheduler_proves_itself_and_leaves_nothing_behind(tmp_path: Path) -> None:
    picture = tmp_path / "lanes.svg"
    done = subprocess.run(
        [sys.executable, "-m", "demo", "ci", "--picture", str(picture)],
        # From another folder, as a clone anywhere on a machine must work.
        cwd=tmp_path,
        env=os.environ | {"TMPDIR": str(tmp_path), "DEMO_MARK": MARK},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
    )
    _, _, ending = done.stdout.partition("9. The facts\n")
    assert (done.returncode, done.stderr) == (0, "")
    assert re.sub(r"\d+\.\d+ s|/\S+\.svg", "...", ending).splitlines() == [
        "   Counted in the histories, on GitHub, in the mailbox, and in what builds left.",
        "",
        "   ok   each request was answered as it should be: 18 accepted, 2 repeated, 8 were no pushes",
        "   ok   12 pushes, 12 jobs: one job a push",
        "   ok   13 starts, 13 builds: one build a start",
        "   ok   never more than one running per repository, at any moment of the histories",
        "   ok   each freed slot went to the most urgent of those who waited",
        "   ok   41 statuses on GitHub: one for each state that a job came into, in that order",
        "   ok   12 mails: one for each end that was nobody's wish",
        "   ok   everything ended: 10 passed, 1 failed, 1 cancelled; no worker, nobody in a lane, nothing put aside",
        "   ok   `workflow verify` finds nothing wrong with 15 entities, 56 events, 93 effects",
        "",
        "The lanes as a picture: ...",
        "",
        "Nothing is left running. ... of story, ... in all.",
    ]
    assert [name for name in left_behind(tmp_path, done.stdout) if name != picture.name] == []
