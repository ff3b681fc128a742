"""What a table is built from: lines of histories, read in pieces and as often as need be."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from workflow.runtime.again import again
from workflow.runtime.archives.line import Kept, read_line
from workflow.runtime.archives.manifest import Manifest, Part, get_manifest, sha256_of
from workflow.runtime.archives.parts import CutError, Line, lines_of
from workflow.runtime.archives.shelf import Shelf
from workflow.runtime.ports import Clock

CHUNK_LINES = 100
CHUNK_BYTES = 1024 * 1024
_ATTEMPTS = 6

Told = Callable[[str], None]
"""Is told of what cannot be read, in one sentence that names the place."""


class Source(Protocol):
    """Lines of histories. `kinds` are those it says that it holds, `total` how many lines (0: not known)."""

    @property
    def kinds(self) -> Sequence[str]:
        """The kinds of its entities."""
        ...

    @property
    def total(self) -> int:
        """How many lines it has."""
        ...

    def chunks(self, tell: Told) -> Iterator[Sequence[Line]]:
        """All lines, some at a time; what cannot be read is told, and the rest goes on."""
        ...

    def read(self, line: Line) -> Kept:
        """The history that the line holds; raises LineError. Safe from several threads."""
        ...

    def put_aside(self, line: Line, why: str) -> None:
        """Keeps a line that was not loaded for whoever mends it. Safe from several threads."""
        ...


class ArchiveSource:
    """An archive that `workflow archive` wrote; of one kind, or of all ('')."""

    def __init__(self, shelf: Shelf, clock: Clock, kind: str = "") -> None:
        """Reads the manifest; raises ArchiveError."""
        self._shelf, self._clock = shelf, clock
        self.manifest: Manifest = get_manifest(shelf)
        self._parts = [part for part in self.manifest.parts if kind in ("", part.kind)]

    @property
    def kinds(self) -> Sequence[str]:
        """The kinds of its entities."""
        return sorted({part.kind for part in self._parts})

    @property
    def total(self) -> int:
        """How many entities it holds."""
        return sum(part.entities for part in self._parts)

    def chunks(self, tell: Told) -> Iterator[Sequence[Line]]:
        """All lines, part by part; of a part that was damaged, those that can still be read."""
        # Across parts: those of a day on which little was created are small.
        return chunked(line for part in self._parts for line in self._lines(part, tell))

    def _lines(self, part: Part, tell: Told) -> Iterator[Line]:
        where = self._shelf.where(part.name)
        content = again(self._clock, _ATTEMPTS, lambda: self._shelf.find(part.name))
        if content is None:
            tell(f"{where}: it is missing; bring it back, and hydrate again")
            return
        read = 0
        try:
            for line in lines_of(where, content):
                read += 1
                yield line
        except CutError as error:
            tell(f"{error}; the {part.entities - read} entities from there on are not loaded")
            return
        if read != part.entities or sha256_of(content) != part.sha256:
            tell(f"{where}: it is not the file that was archived; each line that is whole is loaded")

    def read(self, line: Line) -> Kept:
        """The history that the line holds; raises LineError."""
        return read_line(line.content)

    def put_aside(self, line: Line, why: str) -> None:
        """It stays in the archive."""


def chunked(lines: Iterator[Line]) -> Iterator[Sequence[Line]]:
    """The lines some at a time: a few long ones, or many short ones."""
    chunk: list[Line] = []
    size = 0
    for line in lines:
        chunk.append(line)
        size += len(line.content)
        if len(chunk) >= CHUNK_LINES or size >= CHUNK_BYTES:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk
