"""Rows as lines of JSON, compressed: what jq, pandas and DuckDB read without anything to install."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Iterable, Iterator

from workflow.runtime.analytics.transitions import Transition

PART_CHARACTERS = 128 * 1024 * 1024
"""A file holds about so much text."""

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class JsonLines:
    """One object a line, each with all columns; payload and changes are objects, every digit of their numbers kept."""

    suffix = ".jsonl.gz"

    def __init__(self, part_characters: int = PART_CHARACTERS) -> None:
        self._most = part_characters

    def parts(self, rows: Iterable[Transition]) -> Iterator[bytes]:
        """The rows as files; the same rows give the same bytes."""
        lines = map(_line, rows)
        for first in lines:
            content = io.BytesIO()
            with gzip.GzipFile(fileobj=content, mode="wb", compresslevel=6, mtime=0) as file:
                file.write(first.encode())
                characters = len(first)
                while characters < self._most and (line := next(lines, "")):
                    file.write(line.encode())
                    characters += len(line)
            yield content.getvalue()


def _line(row: Transition) -> str:
    columns = row._asdict()
    # They are JSON already.
    payload, changes = columns.pop("payload"), columns.pop("changes")
    text = _encode(columns)
    return f'{text[:-1]},"payload":{payload or "null"},"changes":{changes or "null"}}}\n'
