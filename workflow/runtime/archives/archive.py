"""Archive: every history of the table written as lines of JSON, so that another table can be built from them."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from workflow.engine.events import FoldError, fold
from workflow.errors import ArchiveError
from workflow.runtime.archives.line import Kept
from workflow.runtime.archives.manifest import (
    MANIFEST,
    RUN,
    UNFINISHED,
    Manifest,
    Part,
    Selection,
    find_manifest,
    is_part,
    read_parts,
    read_selection,
    write_manifest,
    write_parts,
    write_selection,
)
from workflow.runtime.archives.parts import PartWriter
from workflow.runtime.archives.shelf import Shelf
from workflow.runtime.crew import Crew
from workflow.runtime.ports import Clock
from workflow.runtime.records import EntityRecords, Records

SHARES = 16
TELL_EVERY = 100

_Read = TypeVar("_Read")


@dataclass(slots=True)
class Archived:
    """What was written: the selection, how many entities and events in how many parts; `broken` are those that could
    not be archived and why. `resumed`: an interrupted run went on."""

    selection: Selection
    entities: int = 0
    events: int = 0
    parts: int = 0
    broken: list[str] = field(default_factory=list)
    resumed: bool = False


class Archiver:
    """Writes the histories of one table to one shelf, each share of the table by a thread of its own. Safe beside live
    traffic: each entity is as it was at one moment."""

    def __init__(
        self,
        records: Records,
        clock: Clock,
        shelf: Shelf,
        selection: Selection,
        *,
        on_progress: Callable[[int], None] = lambda entities: None,
    ) -> None:
        """`on_progress` is told now and then how many entities were looked at, one call at a time."""
        self._records, self._clock, self._shelf = records, clock, shelf
        self._on_progress = on_progress
        self._lock, self._stopped = threading.Lock(), threading.Event()
        self._looked_at = 0
        self._done: dict[int, list[Part]] = {}
        self.archived = Archived(selection)

    def archive(self, *, workers: int = 4) -> Archived:
        """Writes all of it; one that was interrupted goes on with the shares of the table that it had not finished.

        What was archived there before is brought up to date. Raises ArchiveError if the shelf holds another selection,
        and what records and shelf raise; the same call goes on then.
        """
        before = find_manifest(self._shelf)
        self._begin(before)
        open_shares = [share for share in range(SHARES) if share not in self._done]
        try:
            Crew(workers).work_off(open_shares, lambda: self, Archiver._write_share)
        except BaseException:
            self._stopped.set()
            raise
        return self._finish(before)

    def _begin(self, before: Manifest | None) -> None:
        unfinished = self._shelf.find(RUN)
        asked = self.archived.selection
        kept = asked
        if unfinished is not None:
            kept = self._read(RUN, unfinished, read_selection)
        elif before is not None:
            kept = before.selection
        if not kept.covers(asked):
            raise ArchiveError(f"{self._shelf.where('')} holds {kept}, and {asked} are asked for; give another target")
        self.archived.selection = kept
        if unfinished is None:
            self._shelf.put(RUN, json.dumps(write_selection(kept)).encode())
            return
        self.archived.resumed = True
        for share in range(SHARES):
            content = self._shelf.find(_done(share))
            if content is not None:
                self._done[share] = self._read(_done(share), content, read_parts)

    def _read(self, name: str, content: bytes, read: Callable[[Any], _Read]) -> _Read:
        try:
            return read(json.loads(content))
        except (ValueError, KeyError, TypeError, AttributeError):
            where = self._shelf.where(name)
            raise ArchiveError(f"{where}: it was changed or damaged; remove it, and archive again") from None

    def _write_share(self, share: int) -> None:
        if self._stopped.is_set():
            return
        try:
            self._write(share)
        except BaseException:
            # The others must not walk on to their ends before anybody hears of it.
            self._stopped.set()
            raise

    def _write(self, share: int) -> None:
        writer, broken = PartWriter(share, self._shelf.put), 0
        for found in self._records.all(share, SHARES):
            if self._stopped.is_set():
                return
            if self.archived.selection.kind in ("", found.kind):
                broken += not self._add(writer, found)
            self._count()
        parts = writer.finish()
        with self._lock:
            self._done[share] = parts
        if not broken:
            # What could not be archived is looked at again by whoever goes on.
            self._shelf.put(_done(share), json.dumps(write_parts(parts)).encode())

    def _count(self) -> None:
        with self._lock:
            self._looked_at += 1
            if self._looked_at % TELL_EVERY == 0:
                self._on_progress(self._looked_at)

    def _add(self, writer: PartWriter, found: EntityRecords) -> bool:
        kept = _kept(found)
        if isinstance(kept, str):
            # A walk may see an entity in the middle of a write.
            kept = _kept(self._records.of(found.kind, found.entity_id))
        if isinstance(kept, str):
            with self._lock:
                self.archived.broken.append(f"{found.kind} {found.entity_id}: {kept}")
            return False
        since = self.archived.selection.since
        if kept is not None and (since is None or kept.entity.changed_at >= since):
            writer.add(kept)
        return True

    def _finish(self, before: Manifest | None) -> Archived:
        parts = sorted(part for of_share in self._done.values() for part in of_share)
        manifest = Manifest(self.archived.selection, self._clock.now(), parts)
        names = {part.name for part in parts}
        # Also those of a run that was interrupted before the table changed.
        for name in list(self._shelf.names("kind=")):
            if is_part(name) and name not in names:
                self._shelf.remove(name)
        self._shelf.put(MANIFEST, write_manifest(manifest))
        for name in sorted(self._shelf.names(UNFINISHED), key=lambda name: name == RUN):
            self._shelf.remove(name)
        self.archived.parts = len(parts)
        self.archived.entities = sum(part.entities for part in parts)
        self.archived.events = sum(part.events for part in parts)
        return self.archived


def _done(share: int) -> str:
    return f"{UNFINISHED}share-{share:02d}.json"


def _kept(found: EntityRecords) -> Kept | str | None:
    """What an archive keeps of the entity, None of one that is no entity, or why it cannot be archived."""
    if found.damaged:
        return next(iter(found.damaged.values()))
    try:
        folded = fold(found.events)
    except FoldError as error:
        return str(error)
    entity = found.entity
    if entity is None and folded is None:
        return None
    if entity is None or folded is None or entity._replace(place=folded.place) != folded:
        return "it does not equal its history: 'workflow verify' tells more"
    timer = found.timer if found.timer and found.timer.version == entity.version else None
    opened, undo = _open_versions(found), _undo(found)
    return Kept(entity._replace(place=None), found.events, entity.place, timer, found.requests, opened, undo)


def _undo(found: EntityRecords) -> dict[int, dict[str, str]]:
    hooks = {
        entry.version: {effect: outcome.undo for effect, outcome in entry.outcomes.items() if outcome.undo}
        for entry in found.entries
    }
    return {version: own for version, own in hooks.items() if own}


def _open_versions(found: EntityRecords) -> list[int]:
    settled = {entry.version for entry in found.entries if entry.settled}
    return [event.version for event in found.events if event.owing == event.version and event.version not in settled]
