"""Spill: rows put aside on this machine's disk, so that a partition can be written whole however many there are."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType

from workflow.runtime.analytics.transitions import Partition, Transition

HELD_CHARACTERS = 32 * 1024 * 1024
"""So much text of all partitions is held in memory before it is put on the disk."""

_encode = json.JSONEncoder(separators=(",", ":")).encode
"""Made once: that is a third of the cost."""


class Spill:
    """Rows by partition, in a folder of its own that goes with it; it holds about a fifth of the rows' text."""

    def __init__(self, held_characters: int = HELD_CHARACTERS) -> None:
        self._most = held_characters
        self._folder = TemporaryDirectory(prefix="workflow-export-")
        self._held: dict[Partition, list[str]] = {}
        self._characters = 0
        self._files: dict[Partition, Path] = {}

    def __enter__(self) -> Spill:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._folder.cleanup()

    def add(self, partition: Partition, row: Transition) -> None:
        """Takes a row up; raises OSError where the disk is full."""
        line = _encode(row)
        self._held.setdefault(partition, []).append(line)
        self._characters += len(line)
        if self._characters >= self._most:
            self._put_down()

    def partitions(self) -> Sequence[Partition]:
        """Those that have rows, in order; call it after the last row."""
        self._put_down()
        return sorted(self._files)

    def rows(self, partition: Partition) -> Iterator[Transition]:
        """The rows of one partition as they came; safe from several threads, each with its own partition."""
        with gzip.open(self._files[partition]) as lines:
            for line in lines:
                yield Transition(*json.loads(line))

    def _put_down(self) -> None:
        for partition, lines in self._held.items():
            file = self._files.setdefault(partition, Path(self._folder.name) / f"{len(self._files)}.gz")
            with file.open("ab") as end:
                # One behind another they are one file to gzip.
                end.write(gzip.compress(("\n".join(lines) + "\n").encode(), compresslevel=1))
        self._held.clear()
        self._characters = 0
