"""Commands that move entities: create and fire."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from workflow.cli.asker import asker, by_option
from workflow.cli.output import json_option, print_json
from workflow.cli.session import Session
from workflow.cli.values import field_of_data, field_of_payload, read_values

if TYPE_CHECKING:
    from workflow.application import Workflow
    from workflow.definition.definition import Definition
    from workflow.runtime.accepted import Accepted

_Function = TypeVar("_Function", bound=Callable[..., Any])


def _asking_options(function: _Function) -> _Function:
    options = (
        click.option("--set", "pairs", multiple=True, metavar="NAME=VALUE", help="One value; may be repeated."),
        click.option("--request-id", default="", metavar="ID", help="The same id again is answered, not done, again."),
        by_option,
        json_option,
    )
    for option in reversed(options):
        function = option(function)
    return function


@click.command(short_help="Create an entity in its initial state.")
@click.argument("kind")
@click.argument("id")
@click.option("--data", metavar="JSON", help="The data as a JSON object.")
@_asking_options
@click.pass_obj
def create(
    session: Session,
    kind: str,
    id: str,
    data: str | None,
    pairs: tuple[str, ...],
    request_id: str,
    by: str | None,
    as_json: bool,
) -> None:
    """Create the entity ID of KIND in its initial state.

    Numbers are kept exactly as written. A value given with --set is read by the type of its field.
    """
    flow = session.open()
    values = read_values(data, pairs, field_of_data(flow.definitions.find(kind)), option="--data")
    accepted = flow.create(kind, id, values, request_id=request_id, by=asker(by))
    _answer(flow, accepted, as_json)


@click.command(short_help="Fire a trigger on an entity.")
@click.argument("kind")
@click.argument("id")
@click.argument("trigger")
@click.option("--payload", metavar="JSON", help="The payload as a JSON object.")
@_asking_options
@click.pass_obj
def fire(
    session: Session,
    kind: str,
    id: str,
    trigger: str,
    payload: str | None,
    pairs: tuple[str, ...],
    request_id: str,
    by: str | None,
    as_json: bool,
) -> None:
    """Fire TRIGGER on the entity ID of KIND, which makes the transition or says why not.

    Numbers are kept exactly as written. A value given with --set is read by the type of its field.
    """
    flow = session.open()
    definition = flow.definitions.find(kind)
    if definition and _asks_python(definition, trigger):
        flow = session.open(with_handlers=True)
    values = read_values(payload, pairs, field_of_payload(definition, trigger), option="--payload")
    accepted = flow.fire(kind, id, trigger, values, request_id=request_id, by=asker(by))
    _answer(flow, accepted, as_json)


def _asks_python(definition: Definition, trigger: str) -> bool:
    """Whether a guard of the trigger is a Python function, which only the project's handlers have."""
    return any(way.guard and way.guard.function for way in definition.transitions if way.trigger == trigger)


def _answer(flow: Workflow, accepted: Accepted, as_json: bool) -> None:
    from workflow.console.entity_history import EntityHistory
    from workflow.console.forms import accepted_form
    from workflow.console.values import printable

    event, entity = accepted.event, accepted.entity
    if as_json:
        told = EntityHistory(entity.kind, entity.id, entity, [event], {}, (), flow.definitions)
        print_json(accepted_form(told, accepted))
        return
    step = f"{event.source} -> {event.target}" if event.source else f"created in {event.target}"
    line = f"{event.kind} {event.entity_id}: {step} (version {event.version})"
    again = "; this request was answered before, nothing was written now" if accepted.repeated else ""
    click.echo(printable(line) + again)
