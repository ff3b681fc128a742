"""Who stands behind a command."""

from __future__ import annotations

import getpass

import click

by_option = click.option("--by", default=None, metavar="NAME", help="Who asks.  [default: cli:LOGIN]")


def asker(by: str | None) -> str:
    """The name given with --by, or the login."""
    if by is not None:
        return by
    try:
        return f"cli:{getpass.getuser()}"
    except (OSError, KeyError, ImportError):
        # A container may run under a number that no name belongs to.
        return "cli"
