"""Commands on the whole project: build what is deployed, and run all of it on a laptop."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import click

from workflow.cli.output import make_console
from workflow.cli.session import Session
from workflow.errors import SettingsError


@click.command(short_help="Build the folder that becomes the Lambda.")
@click.option(
    "-o",
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="Where to build.  [default: build/lambda of the project]",
)
@click.pass_obj
def build(session: Session, output: Path | None) -> None:
    """Build the Lambda's folder: the framework, the handlers, their libraries and the compiled definitions."""
    from workflow.local import package

    target = (output or session.project / package.BUILD_FOLDER).absolute()
    files = [path for path in package.build(session.project, target).rglob("*") if path.is_file()]
    size = sum(path.stat().st_size for path in files) / 1e6
    shown = target.relative_to(Path.cwd()) if target.is_relative_to(Path.cwd()) else target
    make_console().print(f"built {shown}: {len(files):,} files, {size:.1f} MB", soft_wrap=True)


@click.command(short_help="Run the project in an embedded cloud and follow it.")
@click.option("--sam", "by_sam", is_flag=True, help="Build and deploy with the AWS SAM CLI, as for AWS.")
@click.option("--then", metavar="COMMAND", default="", help="Run it once all is up, then stop with its exit code.")
@click.pass_context
def dev(ctx: click.Context, by_sam: bool, then: str) -> None:
    """Start the embedded cloud, deploy the project to it, and tell what happens until Ctrl-C.

    What changes in definitions, handlers or template.yaml is deployed again.
    """
    if importlib.util.find_spec("watchfiles") is None:
        raise SettingsError("'workflow dev' needs more libraries: pip install 'stream-workflow[local]'")
    from datetime import UTC, datetime

    from workflow.console.live import live_text
    from workflow.local.dev import run_dev

    console = make_console()
    session = ctx.find_object(Session)
    assert session is not None

    def show(line: str) -> None:
        console.print(live_text(line, datetime.now(UTC)), soft_wrap=True)

    ctx.exit(run_dev(session.project, show, by_sam=by_sam, then=then))
