"""Rows as Parquet, with proper times, one schema for all files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from workflow.errors import SettingsError
from workflow.runtime.analytics.transitions import Transition

PART_CHARACTERS = 64 * 1024 * 1024
"""A file is made of about so much text, and is a fifth or less of that."""

_BATCH_ROWS = 10_000
_BATCH_CHARACTERS = 8 * 1024 * 1024
_OTHER_CHARACTERS = 200
"""About what a row takes besides payload and changes."""

_REQUIRED = {"id", "version", "event_id", "trigger", "to_state", "happened_at", "definition"}


class Parquet:
    """Files of rows, compressed with Zstandard; payload and changes are JSON texts."""

    suffix = ".parquet"

    def __init__(self, part_characters: int = PART_CHARACTERS) -> None:
        """Raises SettingsError if pyarrow is not installed."""
        try:
            import pyarrow
            import pyarrow.parquet
        except ModuleNotFoundError as error:
            raise SettingsError(
                f"writing Parquet needs {error.name}: pip install 'stream-workflow[analytics]', or take --format jsonl"
            ) from None
        self._pyarrow: Any = pyarrow
        self._most = part_characters

    @property
    def schema(self) -> Any:
        """The columns of every file; the kind and the day are in its path."""
        pa = self._pyarrow
        types = {
            **dict.fromkeys(Transition._fields, pa.string()),
            **dict.fromkeys(("happened_at", "left_at"), pa.timestamp("us", tz="UTC")),
            "version": pa.int64(),
            "definition": pa.int32(),
            "seconds_in_previous_state": pa.float64(),
        }
        return pa.schema([pa.field(name, type, nullable=name not in _REQUIRED) for name, type in types.items()])

    def parts(self, rows: Iterable[Transition]) -> Iterator[bytes]:
        """The rows as files."""
        batches = _batches(rows)
        for first in batches:
            sink = self._pyarrow.BufferOutputStream()
            with self._pyarrow.parquet.ParquetWriter(sink, self.schema, compression="zstd") as writer:
                characters, batch = 0, first
                while batch:
                    writer.write_batch(self._encoded(batch))
                    characters += sum(map(_characters, batch))
                    batch = next(batches, []) if characters < self._most else []
            yield sink.getvalue().to_pybytes()

    def _encoded(self, batch: Sequence[Transition]) -> Any:
        pa = self._pyarrow
        return pa.RecordBatch.from_arrays(
            [
                pa.array(column, pa.string()).cast(field.type)
                if pa.types.is_timestamp(field.type)
                else pa.array(column, field.type)
                for field, column in zip(self.schema, zip(*batch, strict=True), strict=True)
            ],
            schema=self.schema,
        )


def _batches(rows: Iterable[Transition]) -> Iterator[list[Transition]]:
    batch: list[Transition] = []
    characters = 0
    for row in rows:
        batch.append(row)
        characters += _characters(row)
        if len(batch) >= _BATCH_ROWS or characters >= _BATCH_CHARACTERS:
            yield batch
            batch, characters = [], 0
    if batch:
        yield batch


def _characters(row: Transition) -> int:
    return _OTHER_CHARACTERS + len(row.payload or "") + len(row.changes or "")
