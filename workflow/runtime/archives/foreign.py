"""The archive of an old system as a source: its files, its map, and a place for the lines that are none."""

from __future__ import annotations

import csv
import json
import os
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from workflow.definition.archives.archive_map import LINE, ArchiveMap
from workflow.definition.expressions import Expression
from workflow.definition.suggestions import ways_out
from workflow.errors import StoreAccessError
from workflow.runtime.archives.foreign_files import ForeignFile, UnreadableError, parse_row
from workflow.runtime.archives.line import Kept, LineError
from workflow.runtime.archives.line_mapping import LineMapping
from workflow.runtime.archives.parts import Line
from workflow.runtime.archives.source import Told, chunked
from workflow.runtime.runtime import Runtime
from workflow.runtime.webhooks.read_body import BodyError, read_body

_APPEND = os.O_WRONLY | os.O_CREAT | os.O_APPEND


class ForeignSource:
    """Files of an old system, each looked through before any line of it is loaded. `aside` counts, by the file they
    were put into, the lines that were not loaded."""

    def __init__(self, files: Sequence[Path], encoding: str, archive_map: ArchiveMap, runtime: Runtime) -> None:
        """Looks all files through; one that cannot be read is told when its lines are asked for."""
        self._kind = archive_map.kind
        self._mapping = LineMapping(archive_map, runtime.machine(archive_map.kind), runtime.clock.now)
        self._delimiter = archive_map.delimiter
        self._columns: dict[str, list[str]] = {}
        self._files: list[ForeignFile] = []
        self._unreadable: list[str] = []
        self._lock = threading.Lock()
        self.aside: Counter[str] = Counter()
        self._total = 0
        for path in dict.fromkeys(files):
            self._take_up(ForeignFile(path, encoding, archive_map.delimiter), archive_map)

    def _take_up(self, file: ForeignFile, archive_map: ArchiveMap) -> None:
        try:
            is_csv = file.is_csv
            self._total += file.survey() - 1
            if is_csv:
                names = file.header()
                _check_columns(file, names, archive_map)
                self._columns[str(file.path)] = names
        except UnreadableError as error:
            self._unreadable.append(str(error))
        else:
            self._files.append(file)
            with _writing(rejected := _rejected(str(file.path))):
                rejected.unlink(missing_ok=True)

    @property
    def kinds(self) -> Sequence[str]:
        """The kind of its entities."""
        return [self._kind]

    @property
    def total(self) -> int:
        """About how many lines it has."""
        return self._total

    def chunks(self, tell: Told) -> Iterator[Sequence[Line]]:
        """All lines that are not empty, file by file."""
        for why in self._unreadable:
            tell(why)
        for file in self._files:
            yield from chunked(self._lines(file, tell))

    def _lines(self, file: ForeignFile, tell: Told) -> Iterator[Line]:
        records = file.records()
        try:
            if file.is_csv:
                next(records)
            yield from records
        except UnreadableError as error:
            tell(str(error))

    def read(self, line: Line) -> Kept:
        """The history that the line tells; raises LineError."""
        return self._mapping.read(self._row(line) if line.file in self._columns else _json(line))

    def _row(self, line: Line) -> dict[str, Any]:
        names = self._columns[line.file]
        try:
            fields = parse_row(line.content.decode(), self._delimiter)
        except csv.Error as error:
            raise LineError(f"it cannot be read as CSV: {error}; is a quotation mark too many or too few?") from None
        if len(fields) != len(names):
            raise LineError(f"it has {len(fields)} columns, and the first line names {len(names)}")
        return {name: field or None for name, field in zip(names, fields, strict=True)}

    def put_aside(self, line: Line, why: str) -> None:
        """Writes the line, with its number and why, beside its file; only the file's owner may read it."""
        rejected = _rejected(line.file)
        form = {"line": line.number, "why": why, "text": line.content.decode()}
        text = json.dumps(form, ensure_ascii=False) + "\n"
        with self._lock:
            with _writing(rejected), os.fdopen(os.open(rejected, _APPEND, 0o600), "wb") as writer:
                writer.write(text.encode())
            self.aside[str(rejected)] += 1


@contextmanager
def _writing(rejected: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StoreAccessError(f"{rejected}: {error.strerror}; lines that are not loaded go there") from None


def _rejected(file: str) -> Path:
    return Path(f"{file}.rejected.jsonl")


def _json(line: Line) -> dict[str, Any]:
    try:
        found = read_body(line.content)
    except BodyError as error:
        said = str(error).replace("the body", "the line").replace("line 1, ", "")
        raise LineError(said) from None
    if not isinstance(found, dict):
        raise LineError("the line is no JSON object")
    return found


def _check_columns(file: ForeignFile, names: list[str], archive_map: ArchiveMap) -> None:
    """Raises UnreadableError if the map asks for a column that there is not."""
    asked = sorted({path for text in archive_map.expressions() for path in Expression(text).paths() if len(path) > 1})
    for root, name in asked:
        if root == LINE and name not in names:
            way_out = ways_out(name, names, "columns")
            if len(names) == 1:
                way_out = f"is another delimiter to be set in csv? the only column is {names[0][:80]!r}"
            raise UnreadableError(
                f"{file.path} line 1: the map reads line.{name[:60]}, and no column is called so; {way_out}"
            )
