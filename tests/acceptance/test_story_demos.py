"""Each story proves itself and leaves nothing behind; `main` and `ci` have files of their own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from demo.__main__ import STORIES
from tests.acceptance.test_demo import MARK, left_behind

TIMEOUT_SECONDS = 300
TOLD_APART = {"main", "ci"}

FACTS = {"payment": 6, "shipment": 5, "pubsub": 5, "signup": 5, "hydrate": 8, "crm": 5, "trip": 6, "trace": 6}
"""How many facts each story proves at least."""

EXACT = {
    "pubsub": [
        "32 invoices owed 108 messages; 108 were read",
        "54 of them came through the FIFO queue, each once, by its deduplication id",
        "in the queue, the versions of each invoice rise",
        "no message holds a customer's address or account",
        "1 message points into the bucket, for what it could not carry",
    ],
    "hydrate": [
        "read in the wrong encoding: one error with file, line, column and the way out; nothing was written",
        "1,000 parcels, killed in the middle and hydrated again: each one once, each read again and right",
        "7 bad lines put aside with number and reason, which quotes no address; the rest went on",
        "1,000 shipments; of 50 looked at, each history is 1..n and makes its entity",
        "the same command once more changed no item of the table",
        "no hook ran for what happened: 1 mail, for the one parcel that moved since",
        "archived and hydrated into orders-copy: entities, events and times are the same",
        "`workflow verify` finds nothing wrong with 1,000 entities, 3,701 events, 2,602 effects",
    ],
}
"""The facts of stories in which nothing is left to chance."""


# `demo` is a name that tests/conftest.py knows: all demos build in one folder, and so run one after the other.
@pytest.mark.parametrize("demo", [name for name in STORIES if name not in TOLD_APART])
def test_the_story_proves_itself_and_leaves_nothing_behind(demo: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "demo", demo],
        # From another folder, as a clone anywhere on a machine must work.
        cwd=tmp_path,
        env=os.environ | {"TMPDIR": str(tmp_path), "DEMO_MARK": MARK},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
    )
    facts = re.findall(r"^   ok   (.*)$", done.stdout, re.MULTILINE)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert re.findall(r"^   NOT .*$", done.stdout, re.MULTILINE) == []
    assert len(facts) >= FACTS[demo], facts
    assert facts == EXACT.get(demo, facts)
    assert left_behind(tmp_path, done.stdout) == []
