"""The command that runs one projection again for all of history."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from workflow.cli.failures import INTERRUPTED, REFUSED
from workflow.cli.output import json_option, make_console, print_json
from workflow.cli.session import Session
from workflow.errors import Retryable

if TYPE_CHECKING:
    from workflow.operations import Operations
    from workflow.runtime.rebuild import Rebuilt


@click.command(short_help="Run a projection again for all of history; every other hook stays silent.")
@click.argument("projection")
@click.option("--kind", metavar="KIND", help="Only entities of this kind.  [default: all that ask for it]")
@click.option("--id", "id", metavar="ID", help="Only this entity.")
@click.option("--workers", type=click.IntRange(1, 64), default=8, show_default=True, help="So many entities at once.")
@json_option
@click.pass_context
def rebuild(ctx: click.Context, projection: str, kind: str | None, id: str | None, workers: int, as_json: bool) -> None:
    """Run PROJECTION, a hook marked @projection, for every event that owes it, each entity's in order. No other hook
    runs, no trigger fires, and the ledger stays as it is.

    It runs here, with the permissions and the environment of this shell. May be interrupted and repeated. Ends with 1
    if it failed for an entity; the others are rebuilt all the same.
    """
    session = ctx.find_object(Session)
    assert session is not None
    operations = session.open(with_handlers=True).operations
    with _quietly(), _going_on():
        found = _rebuilt(operations, projection, kind, id, workers)
    from workflow.console.rebuilt import rebuilt_form, rebuilt_lines

    if as_json:
        print_json(rebuilt_form(found))
    else:
        for line in rebuilt_lines(found):
            make_console().print(line, soft_wrap=True)
    if found.failed:
        ctx.exit(REFUSED)


def _rebuilt(operations: Operations, projection: str, kind: str | None, id: str | None, workers: int) -> Rebuilt:
    from workflow.console.progress import WalkMeter

    estimated = 1 if id is not None else operations.estimated_entities()
    # On the other stream: what became of it is what a pipe is for.
    with WalkMeter(make_console(stderr=True), estimated) as meter:

        def on_progress(so_far: Rebuilt) -> None:
            failed = f", {so_far.failed:,} failed" if so_far.failed else ""
            meter(so_far.looked_at, f"{so_far.events:,} events{failed}")

        return operations.rebuild(projection, kind=kind, id=id, workers=workers, on_progress=on_progress)


@contextmanager
def _quietly() -> Iterator[None]:
    """What fails is told at the end, the first error with its trace; a log of every attempt would bury it."""
    log = logging.getLogger("workflow")
    before = log.level
    log.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        log.setLevel(before)


@contextmanager
def _going_on() -> Iterator[None]:
    """Tells whoever is interrupted how things stand."""
    try:
        yield
    except KeyboardInterrupt:
        click.echo(f"\nStopped. {_STAYS}", err=True)
        raise click.exceptions.Exit(INTERRUPTED) from None
    except Retryable:
        click.echo(_STAYS, err=True)
        raise


_STAYS = "What was written stays so; the same command begins again, and writes it once more."
