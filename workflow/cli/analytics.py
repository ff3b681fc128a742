"""Commands for analysts: export, which writes transitions as files, and stats, which answers the common questions."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from workflow.cli.amounts import Moment, moment
from workflow.cli.archives import open_shelf, ports_of
from workflow.cli.failures import REFUSED
from workflow.cli.output import json_option, make_console, print_json
from workflow.cli.session import Session
from workflow.errors import SettingsError

if TYPE_CHECKING:
    from workflow.application import Workflow
    from workflow.console.progress import WalkMeter
    from workflow.runtime.analytics.export import Encoding
    from workflow.runtime.analytics.histories import Histories
    from workflow.runtime.analytics.stats import Stats
    from workflow.runtime.runtime import Runtime

_from_option = click.option(
    "--from", "archive", metavar="ARCHIVE", help="Read what 'workflow archive' wrote there, and no table."
)


@click.command(short_help="Write every transition as JSON lines or Parquet, for SQL.")
@click.argument("kinds", metavar="[KIND]...", nargs=-1)
@click.argument("target")
@click.option(
    "--format",
    "encoding",
    type=click.Choice(("parquet", "jsonl")),
    default="parquet",
    show_default=True,
    help="Parquet needs the extra 'analytics'; jsonl is compressed.",
)
@click.option("--overwrite", is_flag=True, help="Replace what an export wrote there of these kinds.")
@_from_option
@json_option
@click.pass_context
def export(
    ctx: click.Context,
    kinds: tuple[str, ...],
    target: str,
    encoding: str,
    overwrite: bool,
    archive: str | None,
    as_json: bool,
) -> None:
    """Write every transition of the entities of KIND, or of all, into the folder TARGET or s3://bucket/prefix: a row
    each, in TARGET/kind=order/day=2026-01-31/, as Athena, DuckDB and Spark read it.

    Sensitive fields are left out; to keep or move everything, see 'workflow archive'. Reads the whole table, and puts
    rows aside on this machine's disk meanwhile. Ends with 1 if a history could not be read.
    """
    from workflow.runtime.analytics.export import Exporter

    session = _session(ctx)
    runtime, histories = _open(session, kinds, archive)
    if target in runtime.definitions.kinds:
        raise click.UsageError(f"'{target}' is a kind, and no target is given; a folder called so is ./{target}.")
    exporter = Exporter(runtime.definitions, open_shelf(target, session), _encoding(encoding), kinds)
    with _meter(histories.total) as meter:
        found = exporter.export(histories, overwrite=overwrite, on_progress=meter)
    from workflow.console.exported import exported_form, exported_lines

    if as_json:
        print_json(exported_form(found, target))
    else:
        for line in exported_lines(found, target):
            make_console().print(line, soft_wrap=True)
    if found.broken:
        ctx.exit(REFUSED)


@click.command(short_help="Tell how long entities stay in each state, how far they come, what fails.")
@click.argument("kind")
@click.option("--since", type=Moment(), metavar="WHEN", help="Only entities created since: 30d, 2026-01-31T12:00Z.")
@click.option("--until", type=Moment(), metavar="WHEN", help="Only entities created before.")
@click.option(
    "--picture",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Draw it as well, into FILE.svg or FILE.png; needs the extra 'analytics'.",
)
@_from_option
@json_option
@click.pass_context
def stats(
    ctx: click.Context,
    kind: str,
    since: timedelta | datetime | None,
    until: timedelta | datetime | None,
    picture: Path | None,
    archive: str | None,
    as_json: bool,
) -> None:
    """Tell of the entities of KIND how many reached each state, how long they stayed there, which triggers led them,
    and how often their hooks failed; reads the whole table.

    Ends with 1 if a history could not be read.
    """
    _check_picture(picture)
    runtime, histories = _open(_session(ctx), (kind,), archive)
    now = runtime.clock.now()
    found, broken = _count(runtime, histories, kind, moment(since, now), _until(until, now))
    from workflow.console.stats import broken_lines, stats_form, stats_view

    if picture is not None:
        from workflow.console.stats_picture import draw_stats

        picture.write_bytes(draw_stats(found, picture.suffix.lower().removeprefix(".")))
    if as_json:
        print_json(stats_form(found, broken))
    else:
        console = make_console()
        for line in broken_lines(broken):
            console.print(line, soft_wrap=True)
        make_console(fold_when_piped=False).print(stats_view(found))
    if broken:
        ctx.exit(REFUSED)


def _session(ctx: click.Context) -> Session:
    session = ctx.find_object(Session)
    assert session is not None
    return session


def _open(session: Session, kinds: Sequence[str], archive: str | None) -> tuple[Runtime, Histories]:
    """Definitions and clock, and where the histories come from; raises UnknownKindError before anything is read."""
    from workflow.runtime.analytics.histories import ArchiveHistories, TableHistories

    flow = session.open() if archive is None else _without_table(session)
    # One that is named twice is still exported once.
    kinds = list(dict.fromkeys(kinds))
    for kind in kinds:
        flow.runtime.get_definition(kind)
    if archive is None:
        _, records = ports_of(flow)
        return flow.runtime, TableHistories(records, kinds)
    from workflow.runtime.archives.source import ArchiveSource

    shelf = open_shelf(archive, session)
    return flow.runtime, ArchiveHistories([ArchiveSource(shelf, flow.runtime.clock, kind) for kind in kinds or ("",)])


def _without_table(session: Session) -> Workflow:
    """Definitions and a clock are all that an archive needs: no region, no credentials."""
    from workflow.application import Workflow
    from workflow.testing import MemoryStore

    return Workflow(session.load_definitions(), MemoryStore(), hooks_required=False)


def _encoding(name: str) -> Encoding:
    if name == "jsonl":
        from workflow.files.json_lines import JsonLines

        return JsonLines()
    from workflow.files.parquet import Parquet

    return Parquet()


def _count(
    runtime: Runtime, histories: Histories, kind: str, since: datetime | None, until: datetime | None
) -> tuple[Stats, Sequence[str]]:
    from workflow.runtime.analytics.stats import Counting

    counting = Counting(runtime.definitions, kind, runtime.clock.now(), since=since, until=until)
    with _meter(histories.total) as meter:
        broken = histories.each(counting.add, meter)
    return counting.stats(), broken


def _until(given: timedelta | datetime | None, now: datetime) -> datetime | None:
    return now - given if isinstance(given, timedelta) else given


def _check_picture(picture: Path | None) -> None:
    """Before the table is read: it may take long, and would be for nothing."""
    if picture is None:
        return
    if picture.suffix.lower() not in (".svg", ".png"):
        raise click.BadParameter(f"'{picture}' is no .svg and no .png.", param_hint="'--picture'")
    if not picture.absolute().parent.is_dir():
        raise click.BadParameter(f"there is no folder '{picture.parent}'.", param_hint="'--picture'")
    if importlib.util.find_spec("matplotlib") is None:
        raise SettingsError("a picture needs matplotlib: pip install 'stream-workflow[analytics]'")


def _meter(estimated: int) -> WalkMeter:
    from workflow.console.progress import WalkMeter

    # On the other stream: what was found is what a pipe is for.
    return WalkMeter(make_console(stderr=True), estimated)
