"""All commands under one, with the options that every one of them understands."""

from __future__ import annotations

import importlib.metadata
from urllib.parse import urlsplit

import click

from workflow.cli.analytics import export, stats
from workflow.cli.archives import archive, hydrate
from workflow.cli.cost import cost
from workflow.cli.definitions import check, diagram, schema
from workflow.cli.doctor import doctor
from workflow.cli.entities import history, list_entities, show
from workflow.cli.failures import Commands
from workflow.cli.lanes import lanes
from workflow.cli.people import explain, parked, pause, pauses, redrive, resume, skip
from workflow.cli.project import build, dev
from workflow.cli.rebuild import rebuild
from workflow.cli.session import Opener, Session
from workflow.cli.triggers import create, fire
from workflow.cli.whole_table import reconcile, verify


def _print_version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted:
        try:
            version = importlib.metadata.version("stream-workflow")
        except importlib.metadata.PackageNotFoundError:
            version = "(run from its source)"
        click.echo(f"stream-workflow {version}")
        ctx.exit()


def _checked_url(ctx: click.Context, _: click.Parameter, url: str | None) -> str | None:
    if not url or ctx.resilient_parsing:
        return None
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise click.BadParameter(f"{url!r} is no address; give one such as http://127.0.0.1:8000.")
    return url


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option(
    "--endpoint-url",
    metavar="URL",
    envvar=["AWS_ENDPOINT_URL_DYNAMODB", "AWS_ENDPOINT_URL"],
    show_envvar=True,
    callback=_checked_url,
    help="Where DynamoDB answers; AWS itself if not given.",
)
@click.option("--table", metavar="NAME", envvar="WORKFLOW_TABLE", show_envvar=True, help="The table to work on.")
@click.option(
    "--definitions",
    metavar="PATH",
    envvar="WORKFLOW_DEFINITIONS",
    show_envvar=True,
    help="The definitions' folder or file.",
)
@click.option(
    "--version", is_flag=True, expose_value=False, is_eager=True, callback=_print_version, help="Show the version."
)
@click.pass_context
def workflow(ctx: click.Context, endpoint_url: str | None, table: str | None, definitions: str | None) -> None:
    """Event-sourced workflows on DynamoDB: states in YAML, side effects in Python.

    In a folder whose pyproject.toml has [tool.workflow], that says which table, definitions and handlers are meant;
    options and environment variables come first. Values that begin with '-' go behind '--'.
    """
    # Whoever calls with an opener of its own (a test does) brings its own store.
    opener: Opener | None = ctx.obj
    ctx.obj = Session(endpoint_url=endpoint_url, table=table, definitions=definitions, opener=opener)


_COMMANDS = (
    *(check, diagram, schema, cost),
    *(create, fire, show, history, list_entities, lanes, explain),
    *(parked, redrive, skip, pause, resume, pauses, reconcile, verify, doctor),
    rebuild,
    *(archive, hydrate),
    *(export, stats),
    *(build, dev),
)
for _command in _COMMANDS:
    workflow.add_command(_command)
