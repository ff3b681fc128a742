"""docs/promises.md and the README number the promises as the framework does, and name tests that are there."""

from __future__ import annotations

import re
from pathlib import Path

from workflow.console.checked import PROMISES as VERIFIED
from workflow.testing.simulation.story import PROMISES

REPOSITORY = Path(__file__).parents[2]
PAGE = (REPOSITORY / "docs" / "promises.md").read_text(encoding="utf-8")
README = (REPOSITORY / "README.md").read_text(encoding="utf-8")


def test_every_promise_has_its_part_and_its_tests() -> None:
    parts = re.findall(r"^## (\d+)\. .*?^\* Tests: (.*?)(?=^$|\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert [int(number) for number, _ in parts] == sorted(PROMISES)
    named = [test for _, tests in parts for test in re.findall(r"`([^`]+)`", tests)]
    assert [test for test in named if not (REPOSITORY / test).is_file()] == []


def test_the_readme_has_the_same_promises_under_the_same_numbers() -> None:
    told = dict(re.findall(r"^(\d+)\. \*\*(.*?)[.,]?\*\*", README, re.MULTILINE))
    assert told == dict(re.findall(r"^## (\d+)\. (.*)$", PAGE, re.MULTILINE))


def test_it_says_which_of_them_verify_checks() -> None:
    assert sorted(VERIFIED) == [1, 2, 3, 4, 5, 7, 9]
    assert "`workflow verify` checks 1 to 5, 7 and 9" in re.sub(r"\s+", " ", PAGE)


def test_every_page_is_in_the_index() -> None:
    docs = REPOSITORY / "docs"
    index = (docs / "README.md").read_text(encoding="utf-8")
    assert [page.name for page in docs.glob("[!R]*.md") if f"({page.name})" not in index] == []
    assert [target for target in re.findall(r"\]\(([^)#]+)", index) if not (docs / target).exists()] == []
