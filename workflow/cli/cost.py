"""The command that says what transitions will cost; it needs no table and no account."""

from __future__ import annotations

import click

from workflow.cli.definitions import get_definition
from workflow.cli.output import json_option, make_console, print_json
from workflow.cli.session import Session


@click.command(short_help="Say what each transition will cost, beside Step Functions.")
@click.argument("kind")
@click.argument("triggers", metavar="[TRIGGER]...", nargs=-1)
@click.option("--entity-kb", type=click.IntRange(1, 400), default=1, show_default=True, help="An entity's size.")
@click.option("--event-kb", type=click.IntRange(1, 400), default=1, show_default=True, help="An event's size.")
@click.option(
    "--batch", type=click.IntRange(1, 1000), default=1, show_default=True, help="Transitions that one invocation gets."
)
@click.option(
    "--milliseconds",
    type=click.IntRange(1, 900_000),
    default=50,
    show_default=True,
    help="How long the function works for a transition, hooks included.",
)
@click.option("--memory-mb", type=click.IntRange(128, 10_240), default=512, show_default=True, help="The function's.")
@click.option("--request-ids", is_flag=True, help="Callers give request ids.")
@click.option("--over-http", is_flag=True, help="Triggers come by webhook, or to entities over HTTP.")
@json_option
@click.pass_context
def cost(
    ctx: click.Context,
    kind: str,
    triggers: tuple[str, ...],
    entity_kb: int,
    event_kb: int,
    batch: int,
    milliseconds: int,
    memory_mb: int,
    request_ids: bool,
    over_http: bool,
    as_json: bool,
) -> None:
    """Tell what each transition of KIND takes: write units of DynamoDB, and dollars for a million, beside what Standard
    workflows of Step Functions ask for the same. With TRIGGERs, only for an entity that is created and then gets those,
    and for all of it together.

    Computed from the definition, by list prices of one day; nothing is read or called.
    """
    from workflow.aws.costs import Load, edges_of, way_of
    from workflow.aws.prices import US_EAST_1
    from workflow.console.cost import cost_form, cost_view

    session = ctx.find_object(Session)
    assert session is not None
    definition = get_definition(session, kind)
    load = Load(entity_kb, event_kb, batch, milliseconds, memory_mb, request_ids, over_http)
    edges = way_of(definition, load, triggers) if triggers else list(edges_of(definition, load))
    if as_json:
        print_json(cost_form(kind, edges, load, US_EAST_1))
    else:
        view = cost_view(kind, edges, load, US_EAST_1, is_way=bool(triggers))
        make_console(fold_when_piped=False).print(view)
