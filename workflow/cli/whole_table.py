"""Commands that walk the whole table: reconcile and verify."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import click

from workflow.cli.amounts import Moment, moment
from workflow.cli.failures import INTERRUPTED, REFUSED
from workflow.cli.lanes import open_for_lanes, says_limits
from workflow.cli.output import json_option, make_console, print_json
from workflow.cli.session import Session
from workflow.errors import Retryable

if TYPE_CHECKING:
    from workflow.application import Workflow
    from workflow.console.progress import WalkMeter
    from workflow.runtime.reconciled import Reconciled
    from workflow.runtime.records import WalkProgress


@click.command(short_help="Have run what the stream lost; resumable, safe beside live traffic.")
@click.option("--since", type=Moment(), metavar="WHEN", help="Only what changed since: 2h, or 2026-01-31T12:00Z.")
@click.option("--afresh", is_flag=True, help="Begin again, even if one was interrupted.")
@json_option
@click.pass_context
def reconcile(ctx: click.Context, since: timedelta | datetime | None, afresh: bool, as_json: bool) -> None:
    """Compare the history of every entity with the ledger, and have the sweeper run what the stream lost. Lanes and
    entities that do not agree are mended.

    One that was interrupted goes on where it stopped. Ends with 1 if anything could not be understood.
    """
    flow = ctx.find_object(Session).open()  # type: ignore[union-attr]
    told = _Reconciling(flow)
    found = told.run(moment(since, flow.runtime.clock.now()), afresh)
    if as_json:
        from workflow.console.people_forms import reconciled_form

        print_json(reconciled_form(found, resumed=told.resumed))
    else:
        from workflow.console.checked import reconciled_lines

        console = make_console()
        for line in reconciled_lines(found, resumed=told.resumed):
            console.print(line, soft_wrap=True)
    if found.broken:
        ctx.exit(REFUSED)


class _Reconciling:
    """One call of reconcile: tells whether an interrupted walk goes on, how far it is, and how it may go on again."""

    def __init__(self, flow: Workflow) -> None:
        self._flow = flow
        self._begun = False
        self.resumed = False

    def run(self, since: datetime | None, afresh: bool) -> Reconciled:
        operations = self._flow.operations
        try:
            with _meter(operations.estimated_entities()) as meter:

                def on_progress(progress: WalkProgress) -> None:
                    self._tell_beginning(progress)
                    meter(progress.looked_at)

                return operations.reconcile(since, afresh=afresh, on_progress=on_progress)
        except KeyboardInterrupt:
            self._tell_way_on()
            raise click.exceptions.Exit(INTERRUPTED) from None
        except Retryable:
            self._tell_way_on()
            raise

    def _tell_beginning(self, progress: WalkProgress) -> None:
        from workflow.console.times import day_and_time

        if self._begun:
            return
        self._begun = True
        self.resumed = any(position != "" for position in progress.positions)
        if self.resumed:
            began = day_and_time(progress.started_at, None)
            click.echo(f"goes on where the reconcile of {began} stopped; --afresh begins again", err=True)

    def _tell_way_on(self) -> None:
        if self._begun:
            click.echo("\nStopped. What was restored stays so; the same command goes on from about here.", err=True)
        else:
            click.echo("\nInterrupted.", err=True)


@click.command(short_help="Check every promise on the whole table.")
@json_option
@click.pass_context
def verify(ctx: click.Context, as_json: bool) -> None:
    """Check every promise of the framework on the live table, entity by entity; reads all of it.

    Ends with 1 if any promise does not hold.
    """
    session = ctx.find_object(Session)
    assert session is not None
    operations = open_for_lanes(session, None, says_limits).operations
    with _meter(operations.estimated_entities()) as meter:
        found = operations.verify(on_progress=lambda so_far: meter(so_far.entities))
    if as_json:
        from workflow.console.people_forms import verified_form

        print_json(verified_form(found))
    else:
        from workflow.console.checked import verified_lines

        console = make_console()
        for line in verified_lines(found):
            console.print(line, soft_wrap=True)
    if found.findings:
        ctx.exit(REFUSED)


def _meter(estimated: int) -> WalkMeter:
    from workflow.console.progress import WalkMeter

    # On the other stream: what was found is what a pipe is for.
    return WalkMeter(make_console(stderr=True), estimated)
