"""Export: every transition as a row of a file, by kind and day, for those who ask with SQL."""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from workflow.definition.definition import Definitions
from workflow.errors import Refused
from workflow.runtime.analytics.histories import Histories, History
from workflow.runtime.analytics.spill import Spill
from workflow.runtime.analytics.transitions import Partition, Rows, Transition
from workflow.runtime.archives.shelf import Shelf
from workflow.runtime.archives.work import work_through

_WORKERS = 2
_UNFINISHED = "_unfinished"
_KIND = re.compile(r"[a-z][a-z0-9_]*", re.ASCII)
_OWN = re.compile(
    rf"kind=[a-z][a-z0-9_]*/({_UNFINISHED}|day=[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}/transitions-[0-9]{{5}}\.[a-z.]+)",
    re.ASCII,
)


class ExportError(Refused):
    """Transitions cannot be written where they were asked to: something else lies there, or they do already."""


class Encoding(Protocol):
    """How rows become files."""

    @property
    def suffix(self) -> str:
        """How the names of the files end: `.parquet`."""
        ...

    def parts(self, rows: Iterable[Transition]) -> Iterator[bytes]:
        """The rows as whole files of bounded size, one after another."""
        ...


@dataclass(slots=True)
class Exported:
    """What was written: how many entities, transitions and files, and the days of each kind. `broken` are those that
    could not be read and why. `unknown` counts the entities of kinds that have no definition here: of those no payload
    was written."""

    entities: int = 0
    transitions: int = 0
    files: int = 0
    days: Counter[str] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)
    unknown: Counter[str] = field(default_factory=Counter)


class Exporter:
    """Writes transitions to one shelf. Files are there whole or not at all, and none before all is read."""

    def __init__(self, definitions: Definitions, shelf: Shelf, encoding: Encoding, kinds: Collection[str] = ()) -> None:
        """Of these kinds; of all that there are, if none is given."""
        self._definitions, self._shelf, self._encoding, self._kinds = definitions, shelf, encoding, kinds
        self._lock = threading.Lock()
        self.exported = Exported()

    def export(
        self,
        histories: Histories,
        *,
        overwrite: bool = False,
        on_progress: Callable[[int], None] = lambda entities: None,
    ) -> Exported:
        """Writes every transition of the histories, which are of the same kinds.

        What an export has written of these kinds before is replaced if `overwrite`, or if it did not come to its end.
        Raises ExportError, before anything is read, for what must not be replaced, OSError where the disk for rows put
        aside is full, and what histories and shelf raise; the same call may then be made again.
        """
        before = self._before(overwrite)
        with Spill() as spill:
            self._read(histories, spill, on_progress)
            self._publish(spill, before)
        return self.exported

    def _before(self, overwrite: bool) -> Sequence[str]:
        names = list(self._shelf.names("kind="))
        strange = next((name for name in names if not _OWN.fullmatch(name)), "")
        if strange:
            where = self._shelf.where(strange)
            raise ExportError(f"{where} was not written by 'workflow export'; give another target")
        own = [name for name in names if not self._kinds or _kind_of(name) in self._kinds]
        unfinished = {_kind_of(name) for name in own if _is_mark(name)}
        there = sorted({_kind_of(name) for name in own} - unfinished)
        if there and not overwrite:
            raise ExportError(
                f"{self._shelf.where('')} holds transitions of {', '.join(there)} already; --overwrite replaces them, "
                f"or give another target"
            )
        return own

    def _read(self, histories: Histories, spill: Spill, on_progress: Callable[[int], None]) -> None:
        rows, exported = Rows(self._definitions), self.exported

        def take(history: History) -> None:
            if not _KIND.fullmatch(history.kind):
                # Written by hand: it would become the name of a folder.
                exported.broken.append(f"{history.kind!r} {history.entity_id}: a kind cannot be called so")
                return
            for partition, row in rows.of(history):
                spill.add(partition, row)
            exported.entities += 1
            exported.transitions += len(history.events)
            if not rows.openly(history.kind).is_known:
                exported.unknown[history.kind] += 1

        exported.broken += histories.each(take, on_progress)

    def _publish(self, spill: Spill, before: Sequence[str]) -> None:
        partitions = spill.partitions()
        self.exported.days = Counter(partition.kind for partition in partitions)
        marks = sorted({f"kind={kind}/{_UNFINISHED}" for kind in {*self.exported.days, *map(_kind_of, before)}})
        for mark in marks:
            self._shelf.put(mark, b"")
        written: set[str] = set()

        def write(partition: Partition) -> None:
            for number, content in enumerate(self._encoding.parts(spill.rows(partition)), 1):
                name = f"{partition.folder}/transitions-{number:05d}{self._encoding.suffix}"
                self._shelf.put(name, content)
                with self._lock:
                    written.add(name)

        work_through(iter(partitions), _WORKERS, write)
        for name in before:
            if name not in written and not _is_mark(name):
                self._shelf.remove(name)
        self.exported.files = len(written)
        for mark in marks:
            self._shelf.remove(mark)


def _kind_of(name: str) -> str:
    return name.partition("/")[0].removeprefix("kind=")


def _is_mark(name: str) -> bool:
    return name.endswith(f"/{_UNFINISHED}")
