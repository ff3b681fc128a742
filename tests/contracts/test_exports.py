"""Export and stats on every engine, into a folder and into a bucket."""

from __future__ import annotations

import gzip
import uuid
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.archives import Shop
from tests.contracts.conftest import Ports
from workflow.aws.archive_bucket import open_bucket
from workflow.aws.client import make_client
from workflow.aws.records import TableRecords
from workflow.errors import StoreAccessError
from workflow.files.json_lines import JsonLines
from workflow.files.parquet import Parquet
from workflow.runtime.analytics.export import Exporter, ExportError
from workflow.runtime.analytics.histories import TableHistories
from workflow.runtime.analytics.stats import Counting, Stats
from workflow.runtime.archives.shelf import FolderShelf


def open_shop(ports: Ports) -> Shop:
    records = TableRecords(ports.client, ports.table) if ports.client else None
    return Shop(ports.store, ports.ledger, records)


def counted(shop: Shop) -> Stats:
    counting = Counting(shop.flow.definitions, "order", shop.clock.now())
    assert TableHistories(shop.records).each(counting.add) == []
    return counting.stats()


def test_every_engine_gives_the_same_rows_and_counts(ports: Ports, tmp_path: Path) -> None:
    shop = open_shop(ports).live(orders=8)
    exporter = Exporter(shop.flow.definitions, FolderShelf(tmp_path), Parquet())
    exported = exporter.export(TableHistories(shop.records))
    assert (exported.entities, exported.transitions, exported.broken) == (12, 25, [])
    table = f"read_parquet('{tmp_path}/**/*.parquet', hive_partitioning = true)"
    # What DuckDB makes of the files is what the command says: its discrete quantiles are numbers that were there.
    asked = f"""
        select from_state, count(*), quantile_disc(seconds_in_previous_state, [0.5, 0.9, 0.99])
        from {table} where kind = 'order' and seconds_in_previous_state is not null group by all order by all
    """
    stats = counted(shop)
    left = [state for state in stats.states if state.left]
    assert [state.state for state in left] == ["placed", "paid"]
    assert duckdb.sql(asked).fetchall() == [
        (state.state, state.left, [state.p50, state.p90, state.p99]) for state in sorted(left)
    ]
    notes = duckdb.sql(f"select distinct changes->>'$.note.x[3]' from {table} where trigger = 'annotate'").fetchall()
    assert notes == [("0.10",)]
    assert duckdb.sql(f"select count(*) from {table} where payload like '%a@b.c%'").fetchall() == [(0,)]


@pytest.fixture
def bucket(ministack_url: str) -> tuple[Any, str]:
    """A client, and a bucket of its own."""
    client, name = make_client("s3", endpoint_url=ministack_url), f"bucket-{uuid.uuid4().hex[:12]}"
    client.create_bucket(Bucket=name)
    return client, name


@pytest.mark.parametrize("encoding", [Parquet(), JsonLines()], ids=["parquet", "jsonl"])
def test_into_a_bucket_it_writes_what_it_writes_into_a_folder(
    bucket: tuple[Any, str], ministack_url: str, tmp_path: Path, encoding: Any
) -> None:
    (client, name), shop = bucket, Shop().live(jobs=0)
    shelf = open_bucket(f"s3://{name}/a/b", ministack_url)
    for where in (shelf, FolderShelf(tmp_path)):
        Exporter(shop.flow.definitions, where, encoding).export(TableHistories(shop.records))
    keys = [found["Key"] for found in client.list_objects_v2(Bucket=name)["Contents"]]
    files = sorted(path for path in tmp_path.rglob("*") if path.is_file())
    assert keys == [f"a/b/{file.relative_to(tmp_path).as_posix()}" for file in files]
    for key, file in zip(keys, files, strict=True):
        content = client.get_object(Bucket=name, Key=key)["Body"].read()
        assert sorted(_rows(content)) == sorted(_rows(file.read_bytes()))


def _rows(content: bytes) -> list[str]:
    if content.startswith(b"PAR1"):
        return [repr(row) for row in pq.read_table(pa.BufferReader(content)).to_pylist()]
    return gzip.decompress(content).decode().splitlines()


def test_what_is_in_a_bucket_is_replaced_only_when_asked(bucket: tuple[Any, str], ministack_url: str) -> None:
    (client, name), shop = bucket, Shop().live()
    shelf = open_bucket(f"s3://{name}", ministack_url)
    Exporter(shop.flow.definitions, shelf, Parquet()).export(TableHistories(shop.records))
    with pytest.raises(ExportError, match=f"s3://{name}/ holds transitions of job, order already"):
        Exporter(shop.flow.definitions, shelf, JsonLines()).export(TableHistories(shop.records))
    Exporter(shop.flow.definitions, shelf, JsonLines()).export(TableHistories(shop.records), overwrite=True)
    keys = [found["Key"] for found in client.list_objects_v2(Bucket=name)["Contents"]]
    assert {key.partition(".")[2] for key in keys} == {"jsonl.gz"}


def test_a_bucket_that_is_gone_is_one_clear_line(ministack_url: str) -> None:
    shop = Shop()
    exporter = Exporter(shop.flow.definitions, open_bucket("s3://nowhere-at-all/x", ministack_url), JsonLines())
    with pytest.raises(StoreAccessError, match="listing s3://nowhere-at-all/x/kind=: NoSuchBucket"):
        exporter.export(TableHistories(shop.records))
