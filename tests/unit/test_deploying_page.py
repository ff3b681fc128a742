"""What docs/deploying.md says of the stack is what the template says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.engines import template

PAGE = (Path(__file__).parents[2] / "docs" / "deploying.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def resources() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = template()["Resources"]
    return found


def test_every_parameter_has_its_row() -> None:
    rows = [row.partition(" | ")[0] for row in PAGE.splitlines() if row.startswith("| `")]
    told = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    assert sorted(template()["Parameters"].keys() - told) == []


def test_everything_that_outlives_the_stack_is_named(resources: dict[str, dict[str, Any]]) -> None:
    (stays,) = [part for part in PAGE.split("\n\n") if part.startswith("**What stays.**")]
    kept = {name for name, resource in resources.items() if resource.get("DeletionPolicy") == "Retain"}
    assert set(re.findall(r"`(\w+)`", stays)) == kept


def test_every_action_that_hooks_are_always_granted_is_named(resources: dict[str, dict[str, Any]]) -> None:
    statements = resources["HookPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    # What a condition grants is text here, and no statement.
    granted = re.findall(r"'(\w+:\w+\*?)'", str([one["Action"] for one in statements if isinstance(one, dict)]))
    assert "dynamodb:PutItem" in granted
    assert [action for action in granted if f"`{action}`" not in PAGE] == []
