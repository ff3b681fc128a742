"""Building a table from an archive: entities a second beside one `create` after another, and memory that stays flat."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bench.measure import Row
from bench.memory import most_kilobytes
from workflow import Workflow
from workflow.aws.bulk import TableBulk, records_of
from workflow.aws.client import make_client
from workflow.aws.ledger import TableLedger
from workflow.aws.table import TableStore
from workflow.definition.archives.load import parse_archive_map
from workflow.definition.definition import Definition, Definitions, Field, State, Transition
from workflow.engine.events import Event, evolve
from workflow.local.dynamodb_local import DynamoDBLocal
from workflow.local.embedded_cloud import EmbeddedCloud
from workflow.runtime.archives.archive import Archiver
from workflow.runtime.archives.bulk import Found, Key, Load, Standing
from workflow.runtime.archives.foreign import ForeignSource
from workflow.runtime.archives.hydrate import LOADING, hydrate
from workflow.runtime.archives.manifest import Selection
from workflow.runtime.archives.shelf import FolderShelf
from workflow.runtime.archives.source import ArchiveSource
from workflow.runtime.records import EntityRecords
from workflow.testing import MemoryStore

ENTITIES, CREATED, ROUNDS = 1_000, 200, 5
FEW, MANY = 10_000, 200_000
ORDER = Definition(
    kind="order",
    version=1,
    initial="placed",
    data={"email": Field("email", "string", sensitive=True), "total": Field("total", "decimal")},
    states={"placed": State("placed"), "paid": State("paid")},
    transitions=(Transition("pay", "placed", "paid", requires={"amount": Field("amount", "decimal")}),),
)
KNOWN = Definitions((ORDER,))
MAP = """\
archive: old_shop
kind: order
id: line.id
created: line.ordered
data: {email: line.mail, total: line.total}
steps: [{trigger: pay, at: line.paid, payload: {amount: line.total}}]
"""
_BEGINNING = datetime(2020, 1, 1, tzinfo=UTC)
_KEYS = ("pk", "sk", "listed", "due")


def rows() -> Iterator[Row]:
    """The figures on both engines, and of both kinds of archives."""
    yield from _speeds("DynamoDB Local", DynamoDBLocal())
    yield from _speeds("embedded cloud", EmbeddedCloud())
    for source in ("archive", "csv"):
        few, many = (_peak_of_a_process(source, lines) for lines in (FEW, MANY))
        detail = f"{few:.0f} MB of {FEW:,}, {many:.0f} MB of {MANY:,} lines, in a process of its own"
        yield Row(f"hydrate, most memory, {source}", f"{FEW:,} lines", many / few, 1.5, at_most=True, detail=detail)


def _speeds(name: str, engine: Any) -> Iterator[Row]:
    with engine, tempfile.TemporaryDirectory() as folder:
        archived = _flow(engine.endpoint_url)
        _create(archived, ENTITIES)
        _archive(records_of(_store(archived)), archived, Path(folder))
        measured = [_round(engine.endpoint_url, Path(folder)) for _ in range(ROUNDS)]
    created, loaded, checked = (sorted(column)[ROUNDS // 2] for column in zip(*measured, strict=True))
    loading = sorted(loaded / created for created, loaded, _ in measured)[ROUNDS // 2]
    whole = sorted(checked / created for created, _, checked in measured)[ROUNDS // 2]
    detail = f"{loaded:,.0f}/s against {created:,.0f}/s"
    yield Row(f"hydrate, entities/s, {name}", "one create after another", loading, 5, detail=detail)
    yield Row("… read again and compared, too", "", whole, None, detail=f"{checked:,.0f}/s")


def _round(url: str, folder: Path) -> tuple[float, float, float]:
    """Entities a second: created, loaded, loaded and checked."""
    started = time.perf_counter()
    _create(_flow(url), CREATED)
    created = CREATED / (time.perf_counter() - started)
    flow = _flow(url)
    ended: dict[str, float] = {}
    started = time.perf_counter()

    def on_progress(what: str, lines: int) -> None:
        ended[what] = time.perf_counter() - started

    source = ArchiveSource(FolderShelf(folder), flow.runtime.clock)
    hydrated = hydrate(flow.runtime, TableBulk(_store(flow)), source, on_progress=on_progress)
    whole = time.perf_counter() - started
    # One whose answer was lost is there already when it is asked again.
    if (hydrated.loaded + hydrated.there, hydrated.checked, hydrated.wrong) != (ENTITIES, ENTITIES, 0):
        raise ValueError(f"not all was loaded: {hydrated.told[:1]}")
    return created, ENTITIES / ended[LOADING], ENTITIES / whole


_numbers = iter(range(111_111_111_111, 10**12))


def _flow(url: str) -> Workflow:
    # A key of its own is a database of its own: DynamoDB Local slows down with every other table's stream.
    number = next(_numbers)
    client, table = make_client("dynamodb", endpoint_url=url, access_key=f"{number:012d}"), f"bench-{number}"
    index = {"Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["state", "version", "changed_at"]}}
    client.create_table(
        TableName=table,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in _KEYS],
        GlobalSecondaryIndexes=[
            {**index, "IndexName": name, "KeySchema": [{"AttributeName": key, "KeyType": "HASH"}, _RANGE]}
            for name, key in (("by_state", "listed"), ("by_due", "due"))
        ],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )
    return Workflow(KNOWN, TableStore(client, table), ledger=TableLedger(client, table))


_RANGE = {"AttributeName": "pk", "KeyType": "RANGE"}


def _store(flow: Workflow) -> TableStore:
    store = flow.runtime.store
    assert isinstance(store, TableStore)
    return store


def _create(flow: Workflow, count: int) -> None:
    for number in range(count):
        flow.create("order", str(number), {"email": f"{number}@example.com", "total": number})


def _archive(records: Any, flow: Workflow, folder: Path) -> None:
    Archiver(records, flow.runtime.clock, FolderShelf(folder), Selection()).archive()


class NoTable:
    """A table that keeps nothing."""

    def standing(self, loads: Sequence[Load]) -> Mapping[Key, Standing]:
        return {load.key: Standing() for load in loads}

    def put(self, loads: Sequence[Load]) -> Sequence[Key]:
        return []

    def histories(self, loads: Sequence[Load]) -> Mapping[Key, Found]:
        return {load.key: Found(load.entity, {event.version: event for event in load.events}) for load in loads}


class MadeUp:
    """So many orders of a hundred days, made when they are asked for."""

    def __init__(self, entities: int) -> None:
        self._entities = entities

    def all(self, share: int, shares: int) -> Iterator[EntityRecords]:
        for number in range(share, self._entities, shares):
            at, data = _BEGINNING + timedelta(days=number % 97), {"total": number, "email": f"{number}@b.c"}
            event = Event("order", str(number), 1, f"id-{number}", "create", "", "placed", at, 1, data, data)
            yield EntityRecords("order", str(number), evolve(None, event), [event], [], [], None, [])


def _peak_of_a_process(source: str, lines: int) -> float:
    with tempfile.TemporaryDirectory() as folder:
        call = [sys.executable, "-m", "bench.hydrate", source, str(lines), folder]
        # Made by one process and read by another: what making them took must not count.
        subprocess.run([*call, "make"], check=True)
        done = subprocess.run([*call, "read"], check=True, capture_output=True, text=True)
    return float(json.loads(done.stdout))


def _peak(source: str, lines: int, folder: Path, what: str) -> None:
    flow = Workflow(KNOWN, MemoryStore())
    csv = folder / "old.csv"
    if what == "make" and source == "archive":
        _archive(MadeUp(lines), flow, folder)
    elif what == "make":
        with csv.open("w") as writer:
            writer.write("id,mail,total,ordered,paid\n")
            for n in range(lines):
                writer.write(f"{n},{n}@b.c,{n},2019-03-01T10:00:00Z,2019-03-02T10:00:00Z\n")
    else:
        own = ArchiveSource(FolderShelf(folder), flow.runtime.clock) if source == "archive" else None
        read = own or ForeignSource([csv], "utf-8-sig", parse_archive_map(MAP, KNOWN), flow.runtime)
        hydrated = hydrate(flow.runtime, NoTable(), read)
        if (hydrated.checked, hydrated.wrong) != (lines, 0):
            raise ValueError(f"not all was loaded: {hydrated.told[:1]}")
        print(most_kilobytes() / 1024)


if __name__ == "__main__":
    _peak(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]), sys.argv[4])
