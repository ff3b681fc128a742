"""Commands that read a table: show, history and list."""

from __future__ import annotations

from itertools import islice

import click

from workflow.cli.output import json_option, make_console, print_json, reveal_option
from workflow.cli.session import Session
from workflow.errors import EntityNotFoundError


@click.command(short_help="Show an entity: state, data, what can be fired, what is open.")
@click.argument("kind")
@click.argument("id")
@reveal_option
@json_option
@click.pass_obj
def show(session: Session, kind: str, id: str, reveal: bool, as_json: bool) -> None:
    """Show the entity ID of KIND: its state and data, what can be fired from here, and which effects are open."""
    from workflow.console.entity_history import read_history
    from workflow.console.forms import entity_form

    read = read_history(session.open(), kind, id, latest=1, revealed=reveal)
    if read.entity is None:
        raise EntityNotFoundError(f"there is no {kind} {id} any more, but a history of it; try 'workflow history'")
    if as_json:
        print_json(entity_form(read, read.entity))
        return
    from workflow.console.entity import entity_view

    make_console().print(entity_view(read, read.entity))


@click.command(short_help="Show everything that happened to an entity.")
@click.argument("kind")
@click.argument("id")
@reveal_option
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Only the latest N events.")
@json_option
@click.pass_obj
def history(session: Session, kind: str, id: str, reveal: bool, limit: int | None, as_json: bool) -> None:
    """Show the events of the entity ID of KIND: when, from where to where, by whom, and what became of each effect."""
    from workflow.console.entity_history import read_history
    from workflow.console.forms import history_form

    read = read_history(session.open(), kind, id, latest=limit, revealed=reveal)
    if as_json:
        print_json(history_form(read))
        return
    from workflow.console.history import history_view

    make_console().print(history_view(read))


@click.command("list", short_help="List the entities of a kind.")
@click.argument("kind")
@click.option("--state", metavar="STATE", help="Only those in this state.")
@click.option("--limit", type=click.IntRange(min=1), default=100, show_default=True, metavar="N", help="At most N.")
@json_option
@click.pass_obj
def list_entities(session: Session, kind: str, state: str | None, limit: int, as_json: bool) -> None:
    """List the entities of KIND, state by state, each by id; what changed moments ago may still be missing."""
    found = list(islice(session.open().list(kind, state), limit + 1))
    listed, more = found[:limit], len(found) > limit
    if as_json:
        from workflow.console.forms import listing_form

        print_json(listing_form(kind, state, listed, more=more))
        return
    from workflow.console.listing import listing_view

    make_console(fold_when_piped=False).print(listing_view(listed, more=more))
