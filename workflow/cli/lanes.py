"""The command that shows lanes, and what it and others need to tell limits and guards."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import click

from workflow.cli.output import json_option, make_console, print_json
from workflow.cli.session import Session
from workflow.errors import WorkflowError

if TYPE_CHECKING:
    from workflow.application import Workflow
    from workflow.definition.definition import Definition


@click.command(short_help="Show lanes: who runs, who waits, in which order.")
@click.argument("kind", required=False)
@click.option("--lane", metavar="LANE", help="Only lanes of this name.")
@click.option("--key", metavar="KEY", help="Only the lanes for this key.")
@json_option
@click.pass_obj
def lanes(session: Session, kind: str | None, lane: str | None, key: str | None, as_json: bool) -> None:
    """Show the lanes of KIND, or of all: for each key the limit, who runs since when, and who waits, best first.

    The lanes are found by a listing, so that one in which the first entity came moments ago may be missing; each is
    then read as it is now. With KIND, --lane and --key that one is read, whoever is in it.
    """
    flow = open_for_lanes(session, kind, says_limits)
    views = list(flow.operations.lanes(kind, lane, key))
    if as_json:
        from workflow.console.people_forms import lanes_form

        print_json(lanes_form(views))
        return
    from workflow.console.lanes import lanes_view

    make_console(fold_when_piped=False).print(lanes_view(views, flow.runtime.clock.now()))


def open_for_lanes(session: Session, kind: str | None, asks: Callable[[Iterable[Definition]], bool]) -> Workflow:
    """The application, with handlers if these definitions ask for them; without, and a word about it, if they cannot be
    imported: what stands in a table must be shown all the same."""
    flow = session.open()
    concerned = [one for one in flow.definitions if kind in (None, one.kind)]
    if not asks(concerned):
        return flow
    try:
        return session.open(with_handlers=True)
    except WorkflowError as error:
        from workflow.console.values import printable

        click.echo(printable(f"without the handlers, which say limits and guards: {error}"), err=True)
        return flow


def says_limits(definitions: Iterable[Definition]) -> bool:
    """Whether a lane asks a registered function how many may run."""
    return any(lane.limit_function for definition in definitions for lane in definition.lanes.values())


def says_limits_or_starts(definitions: Iterable[Definition]) -> bool:
    """Whether a lane asks a registered function how many may run, or whether an entity may be started."""
    found = list(definitions)
    triggers = {(one.kind, lane.trigger) for one in found for lane in one.lanes.values()}
    ways = [(one.kind, way) for one in found for way in one.transitions if way.guard and way.guard.function]
    return says_limits(found) or any((kind, way.trigger) in triggers for kind, way in ways)
