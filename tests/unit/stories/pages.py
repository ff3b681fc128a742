"""The pages of docs/stories, taken apart: files that they show, commands, and answers of commands."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import NamedTuple

from click.testing import CliRunner

from tests.shipped import REPOSITORY
from workflow import Workflow
from workflow.cli.commands import workflow

STORIES = REPOSITORY / "docs" / "stories"


class Shown(NamedTuple):
    """A command that a page shows with its answer."""

    command: str
    answer: str


class Page:
    """One page."""

    def __init__(self, file: Path) -> None:
        self.text = file.read_text(encoding="utf-8")

    def blocks(self, language: str) -> list[str]:
        """The code blocks of that language, as they stand in a list item as well."""
        found = re.findall(rf"^( *)```{language}\n(.*?)^ *```$", self.text, re.MULTILINE | re.DOTALL)
        return [re.sub(rf"^{indent}", "", text, flags=re.MULTILINE) for indent, text in found]

    def commands(self) -> list[list[str]]:
        """Every command line of its shell blocks, in words."""
        lines = [line for block in self.blocks("sh") for line in block.replace("\\\n", " ").splitlines()]
        return [shlex.split(line, comments=True) for line in lines if line]

    def answers(self) -> list[Shown]:
        """Every console block: `$ workflow ...` and what it answers."""
        blocks = (block.partition("\n") for block in self.blocks("console"))
        return [Shown(command.removeprefix("$ "), answer.strip()) for command, _, answer in blocks]


def page(name: str) -> Page:
    """The page of that story."""
    return Page(STORIES / f"{name}.md")


def run(flow: Workflow, command: str) -> str:
    """What a `workflow ...` command line prints on that application, without the ends of lines."""
    name, *words = shlex.split(command)
    assert name == "workflow"
    result = CliRunner().invoke(workflow, words, obj=lambda settings: flow)
    return "\n".join(line.rstrip() for line in result.output.strip().splitlines())
