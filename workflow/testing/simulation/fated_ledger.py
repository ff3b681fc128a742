"""The ledger behind a bad network."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from workflow.runtime.ledger_entry import LedgerEntry
from workflow.runtime.ports import Due, Pause
from workflow.testing.simulation.port import Port


class FatedLedger(Port):
    """A Ledger whose calls meet their fate."""

    def find(self, kind: str, entity_id: str, version: int) -> LedgerEntry | None:
        """The entry of one event."""
        ledger = self._world.table.ledger
        return self._call(
            self._world.profile.read,
            lambda: ledger.find(kind, entity_id, version),
            "ledger.find",
            kind,
            entity_id,
            f"v{version}",
        )

    def put(self, entry: LedgerEntry, found: LedgerEntry | None) -> LedgerEntry | None:
        """Writes the whole entry if exactly `found` stands there."""
        table = self._world.table

        def put() -> LedgerEntry | None:
            before = table.entry(entry)
            standing = table.ledger.put(entry, found)
            if standing is None:
                table.watch(before, table.entry(entry))
            return standing

        return self._call(self._world.profile.write, put, "ledger.put", *_told(entry, ""))

    def commit(self, owner: str, after: LedgerEntry, hook: str = "") -> None:
        """Writes owner, lease, parking and the outcome of one hook, if `owner` still holds the entry."""
        table = self._world.table

        def commit() -> None:
            before = table.entry(after)
            table.ledger.commit(owner, after, hook)
            table.watch(before, table.entry(after))

        self._call(self._world.profile.write, commit, "ledger.commit", *_told(after, hook))

    def entries(self, kind: str, entity_id: str) -> Iterator[LedgerEntry]:
        """The ledger of one entity."""
        ledger = self._world.table.ledger
        return iter(
            self._call(
                self._world.profile.read,
                lambda: list(ledger.entries(kind, entity_id)),
                "ledger.entries",
                kind,
                entity_id,
            )
        )

    def due(self, now: datetime) -> Iterator[Due]:
        """What was put aside until now; may lag."""
        ledger = self._world.table.ledger
        return iter(self._lagging(lambda: list(ledger.due(now)), "ledger.due"))

    def parked(self) -> Iterator[LedgerEntry]:
        """What is put aside; may lag."""
        ledger = self._world.table.ledger
        return iter(self._lagging(lambda: list(ledger.parked()), "ledger.parked"))

    def pauses(self) -> Mapping[str, Pause]:
        """The hooks that are not to be run; may lag."""
        return self._lagging(self._world.table.ledger.pauses, "ledger.pauses")

    def pause(self, pause: Pause) -> None:
        """Keeps the hook from running."""
        ledger = self._world.table.ledger
        self._call(self._world.profile.write, lambda: ledger.pause(pause), "ledger.pause", pause.hook)

    def resume(self, hook: str) -> None:
        """Lets the hook run again."""
        ledger = self._world.table.ledger
        self._call(self._world.profile.write, lambda: ledger.resume(hook), "ledger.resume", hook)


def _told(entry: LedgerEntry, hook: str) -> tuple[object, ...]:
    return (entry.kind, entry.entity_id, f"v{entry.version}", hook, entry)
