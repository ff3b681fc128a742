"""Commands that write the histories of a table as files, and build a table from them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from workflow.cli.amounts import Moment, moment
from workflow.cli.failures import INTERRUPTED, REFUSED
from workflow.cli.output import json_option, make_console, print_json
from workflow.cli.session import Session
from workflow.errors import ArchiveError, Retryable

if TYPE_CHECKING:
    from workflow.application import Workflow
    from workflow.console.progress import WalkMeter
    from workflow.runtime.archives.bulk import Bulk
    from workflow.runtime.archives.foreign import ForeignSource
    from workflow.runtime.archives.hydrated import Hydrated
    from workflow.runtime.archives.shelf import Shelf
    from workflow.runtime.archives.source import Source
    from workflow.runtime.records import Records

kind_option = click.option("--kind", metavar="KIND", help="Only entities of this kind.  [default: all]")


@click.command(short_help="Write every history as JSON lines, into a folder or S3.")
@click.argument("target")
@kind_option
@click.option("--since", type=Moment(), metavar="WHEN", help="Only entities that changed since: 2h, 2026-01-31T12:00Z.")
@json_option
@click.pass_context
def archive(
    ctx: click.Context, target: str, kind: str | None, since: timedelta | datetime | None, as_json: bool
) -> None:
    """Write every history of the table as JSON lines, compressed, into the folder TARGET or s3://bucket/prefix.

    The archive holds all fields, the sensitive ones too: keep it as you keep the table. The same command goes on with
    one that was interrupted, and brings a finished one up to date. Ends with 1 if a history could not be archived.
    """
    session = _session(ctx)
    flow, shelf = session.open(), open_shelf(target, session)
    if kind is not None:
        flow.runtime.get_definition(kind)
    from workflow.runtime.archives.archive import Archiver
    from workflow.runtime.archives.manifest import Selection

    _, records = ports_of(flow)
    selection = Selection(kind or "", moment(since, flow.runtime.clock.now()), session.settings.table)
    with _going_on("What was archived stays so"), _meter(records.estimated_entities()) as meter:
        found = Archiver(records, flow.runtime.clock, shelf, selection, on_progress=meter).archive()
    from workflow.console.archived import archived_form, archived_lines

    if as_json:
        print_json(archived_form(found, target))
    else:
        for line in archived_lines(found, target):
            make_console().print(line, soft_wrap=True)
    if found.broken:
        ctx.exit(REFUSED)


@click.command(short_help="Build a table from an archive; no hook runs.")
@click.argument("sources", metavar="SOURCE...", nargs=-1, required=True)
@click.option("--map", "map_file", metavar="FILE", help="SOURCE... are an old system's files, mapped as FILE says.")
@click.option("--encoding", metavar="NAME", help="In which encoding those are.  [default: utf-8]")
@kind_option
@click.option("--workers", type=click.IntRange(1, 64), default=4, show_default=True, help="So many threads load.")
@json_option
@click.pass_context
def hydrate(
    ctx: click.Context,
    sources: tuple[str, ...],
    map_file: str | None,
    encoding: str | None,
    kind: str | None,
    workers: int,
    as_json: bool,
) -> None:
    """Build the table from the archive SOURCE, a folder or s3://bucket/prefix: ids, versions and times are kept, no
    hook runs for what happened, the timers of present states are set.

    With --map, from files of an old system: CSV or JSON lines, compressed with gzip or not. Lines that cannot be loaded
    are put aside in <file>.rejected.jsonl.

    May be interrupted and repeated. What is there with another history is told and left alone. Ends with 1 if anything
    was not loaded.
    """
    session = _session(ctx)
    if map_file is None:
        _check_own(sources, encoding)
    elif kind is not None:
        raise click.UsageError("--kind is for archives of 'workflow archive'; the map says the kind")
    flow = session.open(with_handlers=True)
    if kind is not None:
        flow.runtime.get_definition(kind)
    aside: Mapping[str, int] = {}
    if map_file is None:
        from workflow.runtime.archives.source import ArchiveSource

        own = ArchiveSource(open_shelf(sources[0], session), flow.runtime.clock, kind or "")
        found = _load(flow, own, workers)
    else:
        foreign = _foreign_source(flow, map_file, sources, encoding or "utf-8")
        found, aside = _load(flow, foreign, workers), foreign.aside
    from workflow.console.archived import hydrated_form, hydrated_lines

    if as_json:
        print_json(hydrated_form(found, aside))
    else:
        for line in hydrated_lines(found, aside):
            make_console().print(line, soft_wrap=True)
    if found.wrong:
        ctx.exit(REFUSED)


def _check_own(sources: tuple[str, ...], encoding: str | None) -> None:
    if encoding is not None:
        raise click.UsageError("--encoding is for files of an old system; give their --map as well")
    if len(sources) > 1:
        raise click.UsageError("one archive at a time; files of an old system need their --map")


def _foreign_source(flow: Workflow, map_file: str, sources: tuple[str, ...], encoding: str) -> ForeignSource:
    from workflow.definition.archives.load import load_archive_map
    from workflow.runtime.archives.foreign import ForeignSource
    from workflow.runtime.archives.foreign_files import get_encoding

    found = load_archive_map(map_file, flow.definitions)
    return ForeignSource([Path(source) for source in sources], get_encoding(encoding), found, flow.runtime)


def _load(flow: Workflow, source: Source, workers: int) -> Hydrated:
    from workflow.runtime.archives.hydrate import hydrate

    bulk, _ = ports_of(flow)
    with _going_on("What was loaded stays so"), ExitStack() as meters:
        begun: dict[str, WalkMeter] = {}

        def on_progress(what: str, lines: int) -> None:
            if what not in begun:
                # The bar of what came before goes first.
                meters.close()
                click.echo(f"{what} ...", err=True)
                begun[what] = meters.enter_context(_meter(source.total))
            begun[what](lines)

        return hydrate(flow.runtime, bulk, source, workers=workers, on_progress=on_progress)


def _session(ctx: click.Context) -> Session:
    session = ctx.find_object(Session)
    assert session is not None
    return session


def open_shelf(place: str, session: Session) -> Shelf:
    """The folder or the bucket; raises ArchiveError for what is neither."""
    if "://" in place:
        from workflow.aws.archive_bucket import open_bucket

        return open_bucket(place, session.settings.endpoint_url)
    from workflow.runtime.archives.shelf import FolderShelf

    folder = Path(place)
    if folder.exists() and not folder.is_dir():
        raise ArchiveError(f"{place} is a file; give a folder, or s3://bucket/prefix")
    return FolderShelf(folder)


def ports_of(flow: Workflow) -> tuple[Bulk, Records]:
    """What builds the application's table, and what reads all of it."""
    from workflow.aws.bulk import TableBulk, records_of
    from workflow.aws.table import TableStore

    store = flow.runtime.store
    if isinstance(store, TableStore):
        return TableBulk(store), records_of(store)
    from workflow.testing.memory import MemoryStore
    from workflow.testing.memory_bulk import MemoryBulk

    if not isinstance(store, MemoryStore):
        raise ArchiveError(f"a {type(store).__name__} cannot be archived")
    return MemoryBulk(store), store.records


@contextmanager
def _going_on(what_stays: str) -> Iterator[None]:
    """Says, of what is interrupted, how it goes on."""
    said = f"\nStopped. {what_stays}; the same command goes on from about here."
    try:
        yield
    except KeyboardInterrupt:
        click.echo(said, err=True)
        raise click.exceptions.Exit(INTERRUPTED) from None
    except Retryable:
        click.echo(said, err=True)
        raise


def _meter(estimated: int) -> WalkMeter:
    from workflow.console.progress import WalkMeter

    # On the other stream: what was found is what a pipe is for.
    return WalkMeter(make_console(stderr=True), estimated)
