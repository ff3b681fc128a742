"""The ledger in memory, with the promises that the table's ledger keeps."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from datetime import datetime

from workflow.errors import LeaseLostError
from workflow.runtime.ledger_entry import LedgerEntry
from workflow.runtime.ports import Due, Pause


class MemoryLedger:
    """The ledger in memory; safe from several threads."""

    def __init__(self) -> None:
        self._entries: dict[tuple[str, str, int], LedgerEntry] = {}
        self._pauses: dict[str, Pause] = {}
        self.lock = threading.RLock()

    def find(self, kind: str, entity_id: str, version: int) -> LedgerEntry | None:
        """The entry of one event."""
        return self._entries.get((kind, entity_id, version))

    def put(self, entry: LedgerEntry, found: LedgerEntry | None) -> LedgerEntry | None:
        """Writes the whole entry if exactly `found` stands there (None: nothing); else returns what stands."""
        with self.lock:
            standing = self._entries.get(entry[:3])
            if standing == found:
                self._entries[entry[:3]] = entry._replace(outcomes=dict(entry.outcomes))
                return None
            return standing or entry

    def commit(self, owner: str, after: LedgerEntry, hook: str = "") -> None:
        """Writes owner, lease, parking and the outcome of one hook, if `owner` still holds the entry."""
        with self.lock:
            if not self.holds(owner, after):
                raise LeaseLostError(f"{after}: they passed to another owner meanwhile")
            outcomes = {**self._entries[after[:3]].outcomes, **({hook: after.outcomes[hook]} if hook else {})}
            self._entries[after[:3]] = after._replace(outcomes=outcomes)

    def holds(self, owner: str, entry: LedgerEntry) -> bool:
        """Whether the entry is the owner's."""
        standing = self._entries.get(entry[:3])
        return standing is not None and standing.owner == owner

    def entries(self, kind: str, entity_id: str) -> Iterator[LedgerEntry]:
        """The ledger of one entity, in version order."""
        with self.lock:
            own = [entry for key, entry in self._entries.items() if key[:2] == (kind, entity_id)]
        return iter(sorted(own, key=lambda entry: entry.version))

    def due(self, now: datetime) -> Iterator[Due]:
        """What was put aside until now or earlier, soonest first."""
        with self.lock:
            waiting = [(e, e.parked.next_at) for e in self._entries.values() if e.parked and e.parked.next_at]
        due = [Due(e.kind, e.entity_id, e.version, next_at) for e, next_at in waiting if next_at <= now]
        return iter(sorted(due, key=lambda one: one.at))

    def parked(self) -> Iterator[LedgerEntry]:
        """Every entry that is put aside, the longest waiting first."""
        with self.lock:
            aside = [(entry.parked.since, entry) for entry in self._entries.values() if entry.parked]
        return iter([entry for _, entry in sorted(aside, key=lambda pair: pair[0])])

    def pauses(self) -> Mapping[str, Pause]:
        """The paused hooks by name."""
        return dict(self._pauses)

    def pause(self, pause: Pause) -> None:
        """Keeps the hook from running; a second pause replaces the first."""
        self._pauses[pause.hook] = pause

    def resume(self, hook: str) -> None:
        """Lets the hook run again."""
        self._pauses.pop(hook, None)
