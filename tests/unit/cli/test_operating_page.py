"""The page for whoever is on call shows commands that there are."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

PAGE = (Path(__file__).parents[3] / "docs" / "operating.md").read_text(encoding="utf-8")
SHOWN = [
    line
    for block in re.findall(r"^```sh\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    for line in block.splitlines()
    if line
]


@pytest.mark.parametrize("line", SHOWN)
def test_every_command_it_shows_is_understood(run, line):
    _, *arguments = shlex.split(line, comments=True)

    assert run(*arguments).exit_code in (0, 1)


def test_the_headings_of_its_tables_are_those_of_the_command(run, flow, clock, delivery):
    flow.create("order", "1", {"email": "e", "total": 1})
    flow.fire("order", "1", "pay", {"amount": 1})
    delivery.run()

    heading = run("parked").stdout.splitlines()[0].split()
    shown = next(line for line in PAGE.splitlines() if line.startswith("entity "))
    assert heading == shown.split()
