"""All that a MemoryStore keeps, entity by entity."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from workflow.engine.place import LaneKey
from workflow.runtime.records import EntityRecords, Seen, WalkProgress

if TYPE_CHECKING:
    from workflow.testing.memory import MemoryStore


class MemoryRecords:
    """Everything of every entity, from a store in memory."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store
        self._progress: WalkProgress | None = None

    def of(self, kind: str, entity_id: str) -> EntityRecords:
        """Everything of one entity."""
        return EntityRecords(
            kind,
            entity_id,
            self._store.find_entity(kind, entity_id),
            list(self._store.events(kind, entity_id)),
            self._store.requests(kind, entity_id),
            list(self._store.ledger.entries(kind, entity_id)),
            self._store.find_timer(kind, entity_id),
            self._store.violations(kind, entity_id),
        )

    def all(self, share: int, shares: int) -> Iterator[EntityRecords]:
        """Everything of every entity in one share."""
        for kind, entity_id in self._keys(share, shares):
            yield self.of(kind, entity_id)

    def walk(self, share: int, shares: int, after: str = "") -> Iterator[Seen]:
        """Every entity in one share, after a position."""
        for kind, entity_id in self._keys(share, shares):
            entity = self._store.find_entity(kind, entity_id)
            if entity is not None and entity.key > after:
                changed_at, position = entity.changed_at, entity.key
                yield Seen(kind, entity_id, entity.owing, changed_at, position, entity.state, entity.place)

    def lanes(self, share: int, shares: int) -> Iterator[LaneKey]:
        """Every lane in one share in which somebody is."""
        return iter([lane for lane in self._store.lane_keys() if _share_of("#".join(lane), shares) == share])

    def _keys(self, share: int, shares: int) -> list[tuple[str, str]]:
        keys = [key for key in self._store.entity_keys() if _share_of("#".join(key), shares) == share]
        return sorted(keys, key=lambda key: f"{key[0]}#{key[1]}")

    def estimated_entities(self) -> int:
        """How many entities there are."""
        return len(self._store.entity_keys())

    def find_progress(self) -> WalkProgress | None:
        """The progress kept last."""
        return self._progress

    def keep_progress(self, progress: WalkProgress | None) -> None:
        """Keeps how far a walk has come, or forgets it."""
        self._progress = progress


def _share_of(name: str, shares: int) -> int:
    return zlib.crc32(name.encode()) % shares
