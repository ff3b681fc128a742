"""Files of an old system: looked through whole before anything is made of them, then read record by record."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import zlib
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO, NamedTuple, cast

from workflow.errors import ArchiveError
from workflow.runtime.archives.parts import Line

LONGEST_LINE = 16 * 1024 * 1024
"""Characters; a longer line is not held in memory."""

_CHUNK_BYTES = 1024 * 1024
_GZIP = b"\x1f\x8b"
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_CSV, _JSON = (".csv", ".tsv"), (".jsonl", ".ndjson", ".json")
_BROKEN = (OSError, EOFError, zlib.error, UnicodeError)


class UnreadableError(ValueError):
    """A file of which nothing may be loaded; the message names the file, the place and the way out."""


class ForeignFile(NamedTuple):
    """A file of lines of JSON or of CSV, compressed or not, in that encoding; a CSV with that delimiter."""

    path: Path
    encoding: str
    delimiter: str

    @property
    def is_csv(self) -> bool:
        """Whether it is a CSV; raises UnreadableError unless its name tells."""
        suffix = next((suffix for suffix in reversed(self.path.suffixes) if suffix.lower() != ".gz"), "").lower()
        if suffix not in _CSV + _JSON:
            raise UnreadableError(f"{self.path}: is it CSV or JSON lines? name it .csv or .jsonl, .gz if compressed")
        return suffix in _CSV

    def survey(self) -> int:
        """How many lines it has; raises UnreadableError unless all of it can be read as text."""
        place = _Place(self.path)
        decoder = codecs.getincrementaldecoder(self.encoding)("strict")
        try:
            with self._open() as reader:
                while chunk := reader.read(_CHUNK_BYTES):
                    self._decode(decoder, chunk, place)
                self._decode(decoder, b"", place, is_last=True)
        except EOFError:
            raise UnreadableError(f"{place}: the file was cut here; {_BRING_BACK}") from None
        except (gzip.BadGzipFile, zlib.error):
            raise UnreadableError(f"{place}: the file was changed or damaged before or here; {_BRING_BACK}") from None
        except OSError as error:
            raise UnreadableError(f"{self.path}: {error.strerror}") from None
        return place.line

    def _decode(
        self, decoder: codecs.IncrementalDecoder, chunk: bytes, place: _Place, *, is_last: bool = False
    ) -> None:
        state = decoder.getstate()
        try:
            place.pass_by(decoder.decode(chunk, is_last), len(chunk))
        except UnicodeDecodeError as error:
            # What it failed on may begin with what was left of the chunk before, and lack the mark in front.
            wrong = len(chunk) - (len(error.object) - error.start)
            decoder.setstate(state)
            place.pass_by(decoder.decode(chunk[: max(wrong, 0)]), wrong)
            raise UnreadableError(f"{place.exactly()}: this is not {self._name}; {self._other_encoding()}") from None

    @property
    def _name(self) -> str:
        return self.encoding.removesuffix("-sig")

    def _other_encoding(self) -> str:
        with self._open() as reader:
            if reader.read(2) in _UTF16:
                return "it looks like UTF-16: give --encoding utf-16"
        way_out = (
            "give --encoding latin-1, or cp1252" if self._name == "utf-8" else "give the --encoding it was written in"
        )
        return f"{way_out}; nothing of the file is loaded"

    def _open(self) -> IO[bytes]:
        reader = self.path.open("rb")
        is_gzip = reader.read(2) == _GZIP
        reader.seek(0)
        # As the one that reads it is closed, so is the file.
        return cast(IO[bytes], _Gzip(reader)) if is_gzip else reader

    def header(self) -> list[str]:
        """The names of a CSV's columns; raises UnreadableError if there are none, or one twice."""
        try:
            found = next(self.records(), None)
            names = parse_row(found.content.decode(), self.delimiter) if found else []
        except csv.Error as error:
            raise UnreadableError(f"{self.path} line 1: the names of the columns cannot be read: {error}") from None
        wrong = "it has no names of columns" if not names or names == [""] else _find_wrong_name(names)
        if wrong:
            raise UnreadableError(f"{self.path} line 1: {wrong}; the first line of a CSV names its columns")
        return names

    def records(self) -> Iterator[Line]:
        """Each record that is not empty, in UTF-8, with the number of its first line; a CSV's first one has the names.

        Raises UnreadableError if the file is another one than when it was looked through.
        """
        try:
            with io.TextIOWrapper(self._open(), self.encoding, newline="\n") as text:
                lines = _csv_records(text, self.delimiter) if self.is_csv else enumerate(text, 1)
                for number, line in lines:
                    if line.strip():
                        yield Line(str(self.path), number, line.rstrip("\r\n").encode())
        except _BROKEN:
            raise UnreadableError(f"{self.path}: it changed while it was read; hydrate it again") from None


_BRING_BACK = "nothing of it is loaded; bring it back whole"


class _Gzip(gzip.GzipFile):
    """Closes the file that it reads as well."""

    def __init__(self, file: IO[bytes]) -> None:
        super().__init__(fileobj=file, mode="rb")
        self._file = file

    def close(self) -> None:
        super().close()
        self._file.close()


class _Place:
    """How far a file was read, for people."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.line, self._column, self._byte = 1, 0, 0

    def pass_by(self, text: str, size: int) -> None:
        """Notes that the text of so many bytes was read; raises UnreadableError for a line without end."""
        self._byte += size
        ends = text.count("\n")
        self.line += ends
        self._column = len(text) - text.rfind("\n") - 1 if ends else self._column + len(text)
        if self._column > LONGEST_LINE:
            raise UnreadableError(f"{self}: it is longer than {LONGEST_LINE:,} characters, so these are no lines")

    def __str__(self) -> str:
        return f"{self._path} line {self.line}"

    def exactly(self) -> str:
        """With column and byte."""
        return f"{self} column {self._column + 1} (byte {self._byte + 1:,} of its text)"


def get_encoding(name: str) -> str:
    """The encoding to read with; raises ArchiveError for one that there is not."""
    try:
        "".encode(name)
        codecs.getincrementaldecoder(name)
    except (LookupError, ValueError, TypeError):
        raise ArchiveError(f"there is no encoding {name[:40]!r}; give one such as utf-8, latin-1, cp1252") from None
    # With the mark that Windows puts in front, or without.
    return "utf-8-sig" if codecs.lookup(name).name == "utf-8" else name


def parse_row(text: str, delimiter: str) -> list[str]:
    """The fields of one record; raises csv.Error."""
    rows = list(csv.reader(io.StringIO(text, newline="\n"), delimiter=delimiter, strict=True))
    return rows[0] if len(rows) == 1 else []


class _Lines(Iterator[str]):
    """Lines one by one; `taken` are those since it was emptied, which may be put back."""

    def __init__(self, text: IO[str]) -> None:
        self._text, self._back = text, deque[str]()
        self.taken: list[str] = []

    def __next__(self) -> str:
        self.taken.append(self._back.popleft() if self._back else next(self._text))
        return self.taken[-1]

    def put_back(self, lines: list[str]) -> None:
        self._back.extendleft(reversed(lines))


def _csv_records(text: IO[str], delimiter: str) -> Iterator[tuple[int, str]]:
    """Each record with the number of its first line. Of one that cannot be read, the first line is one of its own, and
    the next one begins after it: a quotation mark too many takes no others along."""
    lines, number = _Lines(text), 1
    while True:
        lines.taken = []
        with suppress(csv.Error):
            if next(csv.reader(lines, delimiter=delimiter, strict=True), None) is None:
                return
            yield number, "".join(lines.taken)
            number += len(lines.taken)
            continue
        lines.put_back(lines.taken[1:])
        yield number, lines.taken[0]
        number += 1


def _find_wrong_name(names: list[str]) -> str:
    if "" in names:
        return f"column {names.index('') + 1} has no name"
    twice = next((name for name in names if names.count(name) > 1), "")
    return f"two columns are named {twice[:60]!r}" if twice else ""
