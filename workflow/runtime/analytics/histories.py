"""Every history there is, one after another: from a table, or from an archive so that no table is read."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Sequence
from typing import NamedTuple, Protocol

from workflow.engine.events import Event, FoldError, fold
from workflow.runtime.archives.line import LineError
from workflow.runtime.archives.source import Source
from workflow.runtime.archives.work import work_through
from workflow.runtime.ledger_entry import LedgerEntry
from workflow.runtime.records import EntityRecords, Records

SHARES = 16
TELL_EVERY = 100
MOST_TOLD = 20
"""So many of those that could not be read are told one by one."""

_WORKERS = 4


class History(NamedTuple):
    """The events of one entity, each following on the one before, and its ledger; None: that is not known."""

    kind: str
    entity_id: str
    events: Sequence[Event]
    entries: Sequence[LedgerEntry] | None = None


Take = Callable[[History], None]
Progress = Callable[[int], None]
"""Is told now and then how many entities were looked at; one call at a time."""


class Histories(Protocol):
    """Histories of some kinds, or of all. `total` is about how many there are, 0: not known."""

    @property
    def total(self) -> int:
        """About how many entities there are."""
        ...

    def each(self, take: Take, on_progress: Progress = lambda entities: None) -> Sequence[str]:
        """Gives each history to `take`, one call at a time, and returns what could not be read and why; that is left
        out. May raise as a Store does."""
        ...


class TableHistories:
    """Those of a live table, by walking all of it."""

    def __init__(self, records: Records, kinds: Collection[str] = ()) -> None:
        """Of these kinds; of all, if none is given."""
        self._records, self._kinds = records, kinds

    @property
    def total(self) -> int:
        """About how many entities there are, of whatever kind; hours old on AWS."""
        return self._records.estimated_entities()

    def each(self, take: Take, on_progress: Progress = lambda entities: None) -> Sequence[str]:
        """Every history, in no order; each is as it was at one moment, different ones may be of different moments."""
        walk = _Walk(self._records, self._kinds, take, on_progress)
        try:
            work_through(iter(range(SHARES)), _WORKERS, walk.share)
        except BaseException:
            walk.stopped.set()
            raise
        return sorted(walk.broken)


class _Walk:
    def __init__(self, records: Records, kinds: Collection[str], take: Take, on_progress: Progress) -> None:
        self._records, self._kinds, self._take, self._on_progress = records, kinds, take, on_progress
        self._lock, self.stopped = threading.Lock(), threading.Event()
        self._looked_at = 0
        self.broken: list[str] = []

    def share(self, number: int) -> None:
        try:
            for found in self._records.all(number, SHARES):
                if self.stopped.is_set():
                    return
                self._look(found)
        except BaseException:
            # The others must not walk on to their ends before anybody hears of it.
            self.stopped.set()
            raise

    def _look(self, found: EntityRecords) -> None:
        is_wanted = not self._kinds or found.kind in self._kinds
        wrong = _wrong(found) if is_wanted else ""
        if wrong:
            # A walk may see an entity in the middle of a write.
            found = self._records.of(found.kind, found.entity_id)
            wrong = _wrong(found)
        with self._lock:
            self._looked_at += 1
            if self._looked_at % TELL_EVERY == 0:
                self._on_progress(self._looked_at)
            if wrong:
                self.broken.append(f"{found.kind} {found.entity_id}: {wrong}")
            elif is_wanted and found.events:
                self._take(History(found.kind, found.entity_id, found.events, found.entries))


def _wrong(found: EntityRecords) -> str:
    damaged = [why for sort_key, why in found.damaged.items() if sort_key.startswith(("event#", "effects#"))]
    if damaged:
        return damaged[0]
    try:
        fold(found.events)
    except FoldError as error:
        return str(error)
    return "it has no history" if found.entity is not None and not found.events else ""


class ArchiveHistories:
    """Those of an archive; what became of their effects is not known."""

    def __init__(self, sources: Sequence[Source]) -> None:
        self._sources = sources

    @property
    def total(self) -> int:
        """How many entities the sources hold."""
        return sum(source.total for source in self._sources)

    def each(self, take: Take, on_progress: Progress = lambda entities: None) -> Sequence[str]:
        """Every history, part by part."""
        broken: list[str] = []
        looked_at = 0
        for source in self._sources:
            for lines in source.chunks(broken.append):
                for line in lines:
                    try:
                        kept = source.read(line)
                    except LineError as error:
                        broken.append(f"{line}: {error}")
                        continue
                    take(History(kept.entity.kind, kept.entity.id, kept.events))
                looked_at += len(lines)
                on_progress(looked_at)
        return broken
