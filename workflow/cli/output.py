"""Where results go: a terminal in colour, a pipe in plain text, or one JSON document."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.console import Console

json_option = click.option("--json", "as_json", is_flag=True, help="One JSON document instead of text.")
reveal_option = click.option("--reveal", is_flag=True, help="Show sensitive values too.")

_NEVER_FOLD = 10_000


def make_console(*, fold_when_piped: bool = True, stderr: bool = False) -> Console:
    """A console on standard output, or the other one, that takes every text as it is, never as markup."""
    from rich.console import Console

    console = Console(markup=False, emoji=False, highlight=False, stderr=stderr)
    if not fold_when_piped and not console.is_terminal and "COLUMNS" not in os.environ:
        # A line of a table is what grep and awk work on.
        console.width = _NEVER_FOLD
    return console


def print_json(form: dict[str, Any]) -> None:
    """Writes the form as one JSON document."""
    from workflow.console.json_form import to_json

    click.echo(to_json(form, indent=2))


def deliver(content: str | bytes, output: Path | None) -> None:
    """Writes the content to the file, or to standard output if there is none; raises OSError."""
    if output is None:
        click.echo(content, nl=False)
        return
    output.write_bytes(content if isinstance(content, bytes) else content.encode())
