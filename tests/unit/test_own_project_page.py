"""What docs/own-project.md says to delete is there, and what is left of the template is whole."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from workflow.local.stack import Stack

REPOSITORY = Path(__file__).parents[2]
PAGE = (REPOSITORY / "docs" / "own-project.md").read_text(encoding="utf-8")


@pytest.fixture
def left() -> str:
    """The template without what the page says to delete, each of which must be there."""
    text = (REPOSITORY / "template.yaml").read_text(encoding="utf-8")
    for row in re.findall(r"^\| (`.*) \|$", PAGE, re.MULTILINE):
        section, _, names = row.partition(" | ")
        indent = "        " if section.startswith("`Globals`") else "  "
        for name in ["HookPolicy"] if "HookPolicy" in section else re.findall(r"`(\w+)`", names):
            text, found = re.subn(rf"^{indent}{name}:.*\n(?:{indent} .*\n|\n)*", "", text, flags=re.MULTILINE)
            assert found == 1, f"{section} has no {name}"
    return text.replace("!Ref HookPolicy, ", "")


def test_what_is_left_of_the_template_is_whole(left: str, tmp_path: Path) -> None:
    (tmp_path / "template.yaml").write_text(left, encoding="utf-8")
    linted = subprocess.run(
        [str(Path(sys.executable).with_name("cfn-lint")), "template.yaml"], cwd=tmp_path, capture_output=True, text=True
    )
    assert (linted.returncode, linted.stdout) == (0, "")


def test_nothing_of_the_shop_is_left(left: str) -> None:
    shop = "Mail|Smtp|Builds|Github|Crm|Travel|Invoice|Payment|OrderHistory|Fulfilment|Finance|MAIL|CRM|TRAVEL"
    assert re.findall(rf"^(?!.*#).*(?:{shop}).*$", left, re.MULTILINE) == []


def test_the_outputs_that_it_says_to_keep_are_those_that_a_stack_is_found_by(left: str) -> None:
    outputs = left[left.index("\nOutputs:") :]
    kept = re.findall(r"^  (\w+):$", outputs, re.MULTILINE)
    assert [name for name in kept if f"`{name}`" not in PAGE] == []
    stack = Stack("s", "", dict.fromkeys(kept, "x"), "", 60)
    assert (stack.table_name, stack.function_name, stack.sweep_function_name) == ("x", "x", "x")


def test_the_makefile_has_a_target_for_each_function_that_asks_for_one(left: str) -> None:
    declared = r"^  (\w+):\n    Type: AWS::Serverless::Function\n    Metadata:\n      BuildMethod: makefile"
    asking = re.findall(declared, left, re.MULTILINE)
    (makefile,) = re.findall(r"^```make\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    assert sorted(makefile.partition(":")[0].split()) == sorted(f"build-{name}" for name in asking)
    assert len(asking) == 4
