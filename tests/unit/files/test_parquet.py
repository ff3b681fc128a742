"""Parquet as pyarrow and DuckDB read it back."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.histories import Told, history
from tests.samples import ORDER, definitions
from workflow.errors import SettingsError
from workflow.files import parquet
from workflow.files.parquet import Parquet
from workflow.runtime.analytics.export import Exporter
from workflow.runtime.analytics.transitions import Rows, Transition
from workflow.runtime.archives.shelf import FolderShelf

TIME, TEXT = pa.timestamp("us", tz="UTC"), pa.string()
COLUMNS = [
    pa.field("id", TEXT, nullable=False),
    pa.field("version", pa.int64(), nullable=False),
    pa.field("event_id", TEXT, nullable=False),
    pa.field("trigger", TEXT, nullable=False),
    pa.field("from_state", TEXT),
    pa.field("to_state", TEXT, nullable=False),
    pa.field("happened_at", TIME, nullable=False),
    pa.field("left_at", TIME),
    pa.field("seconds_in_previous_state", pa.float64()),
    pa.field("definition", pa.int32(), nullable=False),
    pa.field("asked_by", TEXT),
    pa.field("request_id", TEXT),
    pa.field("cause", TEXT),
    pa.field("payload", TEXT),
    pa.field("changes", TEXT),
]


def some_rows(count: int, **said: object) -> list[Transition]:
    steps = [(number * 0.5, "pay", f"paid{number}", said) for number in range(count)]
    return [row for _, row in Rows(definitions(ORDER)).of(history("ü\u2028", *steps))]


def read(contents: list[bytes]) -> list[dict[str, Any]]:
    return [row for content in contents for row in pq.read_table(pa.BufferReader(content)).to_pylist()]


def test_every_row_comes_back_with_proper_times():
    contents = list(Parquet().parts(some_rows(2, payload={"amount": Decimal("0.10")}, by="ada")))
    first, second = read(contents)
    assert first == {
        "id": "ü\u2028",
        "version": 1,
        "event_id": "ü\u2028-1",
        "trigger": "pay",
        "from_state": None,
        "to_state": "paid0",
        "happened_at": datetime(2026, 1, 31, 12, tzinfo=UTC),
        "left_at": datetime(2026, 1, 31, 12, 0, 0, 500_000, tzinfo=UTC),
        "seconds_in_previous_state": None,
        "definition": 1,
        "asked_by": "ada",
        "request_id": None,
        "cause": None,
        "payload": '{"amount":0.10}',
        "changes": "{}",
    }
    assert (second["from_state"], second["left_at"], second["seconds_in_previous_state"]) == ("paid0", None, 0.5)


@pytest.mark.parametrize("count", [1, 3])
def test_all_files_have_one_schema_also_where_a_column_is_empty(count: int):
    for content in Parquet(part_characters=1).parts(some_rows(count)):
        assert pq.read_schema(pa.BufferReader(content)) == pa.schema(COLUMNS)


def test_many_rows_become_several_files_that_hold_all_of_them_once(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(parquet, "_BATCH_ROWS", 3)
    rows = some_rows(20)
    contents = list(Parquet(part_characters=1_300).parts(iter(rows)))
    assert [len(read([content])) for content in contents] == [9, 9, 2]
    assert [row["version"] for row in read(contents)] == list(range(1, 21))


def test_rows_with_much_text_are_gathered_in_smaller_batches(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(parquet, "_BATCH_CHARACTERS", 2_000)
    (content,) = Parquet().parts(some_rows(6, payload={"note": "x" * 1_500}))
    assert pq.ParquetFile(pa.BufferReader(content)).metadata.num_row_groups == 3


def test_of_no_rows_there_is_no_file():
    assert list(Parquet().parts([])) == []


def test_without_pyarrow_one_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(SettingsError) as caught:
        Parquet()
    assert str(caught.value) == (
        "writing Parquet needs pyarrow: pip install 'stream-workflow[analytics]', or take --format jsonl"
    )


def test_duckdb_reads_every_column_by_its_plain_name_with_kind_and_day(tmp_path: Path):
    day = 86400
    orders = (history("1", (0, "create", "placed"), (day, "pay", "paid", {"payload": {"amount": 5}})),)
    jobs = (history("2", (0, "create", "pending"), kind="job"),)
    Exporter(definitions(ORDER), FolderShelf(tmp_path), Parquet()).export(Told(orders + jobs))
    table = f"read_parquet('{tmp_path}/**/*.parquet', hive_partitioning = true)"
    columns = ", ".join((*Transition._fields, "kind", "day"))
    described = duckdb.sql(f"describe select {columns} from {table}").fetchall()
    types = {str(name): str(type) for name, type, *_ in described}
    assert [*types] == [*Transition._fields, "kind", "day"]
    assert (types["happened_at"], types["day"], types["version"]) == ("TIMESTAMP WITH TIME ZONE", "DATE", "BIGINT")
    asked = f"select kind, day::varchar, id, seconds_in_previous_state, payload->>'amount' from {table} order by all"
    assert duckdb.sql(asked).fetchall() == [
        ("job", "2026-01-31", "2", None, None),
        ("order", "2026-01-31", "1", None, None),
        ("order", "2026-02-01", "1", float(day), "5"),
    ]
    assert json.loads(duckdb.sql(f"select payload from {table} where version = 2").fetchall()[0][0]) == {"amount": 5}
