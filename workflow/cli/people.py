"""Commands for what is put aside: parked, redrive, skip, pause, resume, pauses and explain."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from workflow.cli.amounts import rate_option
from workflow.cli.asker import asker, by_option
from workflow.cli.failures import REFUSED
from workflow.cli.lanes import open_for_lanes, says_limits_or_starts
from workflow.cli.output import json_option, make_console, print_json
from workflow.cli.session import Session

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workflow.operations import Operations
    from workflow.runtime.ledger_entry import LedgerEntry

_hook_option = click.option("--hook", metavar="HOOK", help="Only those that stand at this hook.")
_error_option = click.option("--error", metavar="CLASS", help="Only those with an error of this class.")


@click.command(short_help="List what is put aside, why, and when it is tried next.")
@click.argument("kind", required=False)
@_hook_option
@_error_option
@json_option
@click.pass_obj
def parked(session: Session, kind: str | None, hook: str | None, error: str | None, as_json: bool) -> None:
    """List the entities that are put aside, of KIND or of all: those that wait for a person first."""
    from workflow.console.parked import in_order, parked_view

    flow = session.open()
    entries = in_order(list(flow.operations.parked(kind=kind, hook=hook, error=error)))
    if as_json:
        from workflow.console.people_forms import parked_list_form

        print_json(parked_list_form(entries))
        return
    make_console(fold_when_piped=False).print(parked_view(entries, flow.runtime.clock.now()))


@click.command(short_help="Let what is put aside go on, all its attempts before it again.")
@click.argument("kind", required=False)
@click.argument("id", required=False)
@click.option("--all", "everything", is_flag=True, help="Of every kind.")
@_hook_option
@_error_option
@rate_option
@click.option("--waiting", is_flag=True, help="Also those that would go on by themselves.")
@click.option("--dry-run", is_flag=True, help="Only tell which.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
@click.pass_obj
def redrive(
    session: Session,
    kind: str | None,
    id: str | None,
    everything: bool,
    hook: str | None,
    error: str | None,
    rate: float,
    waiting: bool,
    dry_run: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Let the entity ID of KIND go on, or all of KIND, all with an error, or all there are.

    Several are taken only if they wait for a person. They go on with the next sweep, within a minute, or one after
    another at the --rate.
    """
    _check_choice(kind, id, hook, error, everything)
    operations = session.open().operations
    if id is not None and kind is not None:
        entries = [operations.get_parked(kind, id)]
    else:
        found = operations.parked(kind=kind, hook=hook, error=error)
        entries = [e for e in found if waiting or (e.parked and e.parked.next_at is None)]
    if not dry_run and len(entries) > 1 and not yes:
        _confirm(entries)
    _let_go(operations, entries, rate, dry_run=dry_run, as_json=as_json, one=id is not None)


def _check_choice(kind: str | None, id: str | None, hook: str | None, error: str | None, everything: bool) -> None:
    if id is not None and (hook or error or everything):
        raise click.UsageError("An ID names one entity; leave out --all, --hook and --error.")
    if everything and kind is not None:
        raise click.UsageError("Give a KIND, or --all.")
    if not (everything or kind or hook or error):
        raise click.UsageError("Say what to let go on: KIND ID, KIND, --hook HOOK, --error CLASS, or --all.")


def _confirm(entries: Sequence[LedgerEntry]) -> None:
    from workflow.console.parked import summary

    if not sys.stdin.isatty():
        return
    click.echo(str(summary(entries)), err=True)
    if not click.confirm(f"Let all {len(entries):,} go on?", err=True):
        click.echo("Nothing was let go.", err=True)
        raise click.exceptions.Exit(REFUSED)


def _let_go(
    operations: Operations, entries: Sequence[LedgerEntry], rate: float, *, dry_run: bool, as_json: bool, one: bool
) -> None:
    from workflow.console.parked import line

    if one and not dry_run:
        # Whoever names one is told why it cannot go on.
        operations.redrive(entries[0].kind, entries[0].entity_id)
        gone: Sequence[LedgerEntry] = entries
    else:
        gone = entries if dry_run else operations.redrive_all(entries, per_second=rate)
    if as_json:
        from workflow.console.people_forms import let_go_form

        print_json(let_go_form(gone, dry_run=dry_run))
        return
    for entry in gone:
        click.echo(line(entry))
    click.echo(_told(len(gone), len(entries) - len(gone), rate, dry_run=dry_run))


def _told(count: int, missed: int, rate: float, *, dry_run: bool) -> str:
    from workflow.console.parked import NEXT_SWEEP

    if dry_run:
        return f"{count:,} would go on; nothing was changed"
    if not count:
        when = ""
    elif rate and count > 1:
        when = f", the last one in {_span(count, rate)}: each with the sweep after its turn, within a minute of it"
    else:
        when = f" {NEXT_SWEEP}"
    left = f"; {missed:,} had gone on meanwhile" if missed else ""
    return f"{count:,} {'goes' if count == 1 else 'go'} on{when}{left}" if count else f"nothing to let go on{left}"


def _span(count: int, rate: float) -> str:
    from workflow.console.times import stay

    return stay(round((count - 1) / rate))


@click.command(short_help="Settle an effect without running it, with a reason.")
@click.argument("kind")
@click.argument("id")
@click.option("--reason", required=True, metavar="TEXT", help="Why; it is kept in the history.")
@by_option
@json_option
@click.pass_obj
def skip(session: Session, kind: str, id: str, reason: str, by: str | None, as_json: bool) -> None:
    """Settle the effect at which the entity ID of KIND is put aside without running it; the entity goes on."""
    from workflow.console.parked import NEXT_SWEEP
    from workflow.console.values import printable

    hook = session.open().operations.skip(kind, id, reason, by=asker(by))
    if as_json:
        print_json({"kind": kind, "id": id, "skipped": hook})
        return
    click.echo(printable(f"{kind} {id}: {hook} is skipped; the entity goes on {NEXT_SWEEP}"))


@click.command(short_help="Keep a hook from running, everywhere within ten seconds.")
@click.argument("hook")
@click.option("--reason", required=True, metavar="TEXT", help="Why; 'explain' tells it to whoever asks.")
@by_option
@json_option
@click.pass_obj
def pause(session: Session, hook: str, reason: str, by: str | None, as_json: bool) -> None:
    """Keep HOOK from running until it is resumed: entities that owe it are put aside, and nothing is lost."""
    from workflow.console.values import printable

    made = session.open().operations.pause(hook, reason, by=asker(by))
    if as_json:
        from workflow.console.people_forms import pause_form

        print_json(pause_form(made))
        return
    click.echo(printable(f"{hook} is paused, everywhere within ten seconds; go on with: workflow resume {hook}"))


@click.command(short_help="Let a paused hook run again.")
@click.argument("hook")
@rate_option
@json_option
@click.pass_obj
def resume(session: Session, hook: str, rate: float, as_json: bool) -> None:
    """Let HOOK run again, and what it held up go on: with the next sweep, or one after another at the --rate."""
    from workflow.console.values import printable

    operations = session.open().operations
    paused = hook in operations.pauses()
    gone = operations.resume(hook, per_second=rate)
    if as_json:
        from workflow.console.people_forms import let_go_form

        print_json({"hook": hook, "was_paused": paused, **let_go_form(gone, dry_run=False)})
        return
    first = "runs again, everywhere within ten seconds" if paused else "was not paused"
    held = f"; of those it held up, {_told(len(gone), 0, rate, dry_run=False)}" if gone else "; it held nothing up"
    click.echo(printable(f"{hook} {first}{held}"))


@click.command(short_help="List the hooks that are paused.")
@json_option
@click.pass_obj
def pauses(session: Session, as_json: bool) -> None:
    """List the hooks that are paused: since when, by whom, and why."""
    found = [pause for _, pause in sorted(session.open().operations.pauses().items())]
    if as_json:
        from workflow.console.people_forms import pause_form

        print_json({"pauses": [pause_form(pause) for pause in found]})
        return
    from workflow.console.parked import pauses_view

    make_console(fold_when_piped=False).print(pauses_view(found))


@click.command(short_help="Tell why an entity is where it is, and the way out.")
@click.argument("kind")
@click.argument("id")
@click.option("--trace", is_flag=True, help="With the traceback of the last attempt, if one is kept.")
@json_option
@click.pass_obj
def explain(session: Session, kind: str, id: str, trace: bool, as_json: bool) -> None:
    """Tell why the entity ID of KIND is where it is: the reason that matters first, then the way out."""
    flow = open_for_lanes(session, kind, says_limits_or_starts)
    told = flow.operations.explain(kind, id)
    if as_json:
        from workflow.console.people_forms import explanation_form

        print_json(explanation_form(told))
        return
    from workflow.console.explained import explanation_view

    make_console().print(explanation_view(told, flow.definitions, trace=trace))
