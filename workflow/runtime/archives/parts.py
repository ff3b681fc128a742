"""The parts of an archive: lines by kind and day of creation, gathered up to a size, and read again one by one."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Callable, Iterator
from typing import NamedTuple

from workflow.engine.entity import Entity
from workflow.runtime.archives.line import LONGEST_LINE_BYTES, Kept, write_line
from workflow.runtime.archives.manifest import Part, sha256_of

PART_BYTES = 4 * 1024 * 1024
"""About so much text is in a part; a single history may be longer."""

GATHERED_BYTES = 8 * 1024 * 1024
"""So much text of all parts that are open is held, for each share of the table."""


class _Gathered:
    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.lines: list[str] = []
        self.characters = self.events = 0


class PartWriter:
    """Gathers the lines of one share of the table, and gives every part that is full to `keep`. The same entities in
    the same order make the same parts, byte for byte."""

    def __init__(self, share: int, keep: Callable[[str, bytes], None]) -> None:
        self._share, self._keep = share, keep
        self._open: dict[str, _Gathered] = {}
        self._numbers: dict[str, int] = {}
        self._characters = 0
        self.parts: list[Part] = []

    def add(self, kept: Kept) -> None:
        """Takes one entity up."""
        line, folder = write_line(kept), _folder(kept.entity)
        gathered = self._open.setdefault(folder, _Gathered(kept.entity.kind))
        gathered.lines.append(line)
        gathered.characters += len(line)
        self._characters += len(line)
        gathered.events += len(kept.events)
        if gathered.characters >= PART_BYTES:
            self._close(folder)
        elif self._characters >= GATHERED_BYTES:
            self._close(max(self._open, key=lambda name: self._open[name].characters))

    def finish(self) -> list[Part]:
        """Keeps what is left, and returns all parts."""
        for folder in list(self._open):
            self._close(folder)
        return self.parts

    def _close(self, folder: str) -> None:
        gathered = self._open.pop(folder)
        self._characters -= gathered.characters
        number = self._numbers[folder] = self._numbers.get(folder, 0) + 1
        name = f"{folder}/part-{self._share:02d}-{number:05d}.jsonl.gz"
        # Without the time: what is the same gives the same file.
        content = gzip.compress(("\n".join(gathered.lines) + "\n").encode(), compresslevel=6, mtime=0)
        self._keep(name, content)
        counts = len(gathered.lines), gathered.events
        self.parts.append(Part(name, gathered.kind, *counts, sha256_of(content)))


def _folder(entity: Entity) -> str:
    return f"kind={entity.kind}/day={entity.created_at:%Y-%m-%d}"


class Line(NamedTuple):
    """One line of a source: which file, which line (from 1 on), and its bytes."""

    file: str
    number: int
    content: bytes

    def __str__(self) -> str:
        return f"{self.file} line {self.number}"


class CutError(ValueError):
    """A part from here on cannot be read; the message says why."""


def lines_of(file: str, content: bytes) -> Iterator[Line]:
    """The lines of a part one by one; raises CutError at the place from which on it cannot be read."""
    number = 0
    reader = gzip.GzipFile(fileobj=io.BytesIO(content))
    while True:
        number += 1
        try:
            line = reader.readline(LONGEST_LINE_BYTES)
        except EOFError:
            raise CutError(f"{file} line {number}: the file was cut here") from None
        except (OSError, zlib.error):
            raise CutError(f"{file} line {number}: the file was changed or damaged here") from None
        if not line:
            return
        yield Line(file, number, line)
