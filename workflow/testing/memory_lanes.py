"""The lanes of a MemoryStore: who runs, who waits, and which of them are watched."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from workflow.engine.place import LaneKey, Place
from workflow.runtime.lane_ports import InLane, LaneState, WatchedLane


class MemoryLanes:
    """Rows of lanes, each in a place of its own; whoever uses it holds the lock."""

    def __init__(self) -> None:
        self._rows: dict[LaneKey, dict[tuple[int, str, str], InLane]] = {}
        self._watched: dict[LaneKey, datetime] = {}

    def state(self, lane: LaneKey, waiting: int) -> LaneState:
        """All that run and the first so many that wait."""
        rows = [row for _, row in sorted(self._rows.get(lane, {}).items())]
        running = [row for row in rows if not row.place.is_waiting]
        queue = [row for row in rows if row.place.is_waiting]
        return LaneState(running, queue[:waiting], len(queue) <= waiting, self._watched.get(lane))

    def keys(self) -> Sequence[LaneKey]:
        """Every lane in which somebody is."""
        return [lane for lane, rows in self._rows.items() if rows]

    def find(self, lane: LaneKey, row: InLane) -> InLane | None:
        """Who stands in that place: for a slot anybody, among the waiting the entity itself."""
        return self._rows.get(lane, {}).get(_position(row))

    def take(self, lane: LaneKey, row: InLane) -> None:
        """Puts the entity into its place."""
        self._rows.setdefault(lane, {})[_position(row)] = row

    def leave(self, lane: LaneKey, row: InLane) -> None:
        """Frees the place if the entity stands there."""
        found = self.find(lane, row)
        if found is not None and found.entity_id == row.entity_id:
            del self._rows[lane][_position(row)]

    def watched(self, now: datetime) -> Iterator[WatchedLane]:
        """The lanes that are to be looked at, the longest due first."""
        due = [WatchedLane(lane, at) for lane, at in self._watched.items() if at <= now]
        return iter(sorted(due, key=lambda watched: watched.at))

    def watch(self, lane: LaneKey, found: datetime | None, at: datetime | None) -> bool:
        """Has the lane looked at then, if `found` is what stands there."""
        if self._watched.get(lane) != found:
            return False
        self._watched.pop(lane, None)
        if at is not None:
            self._watched[lane] = at
        return True


def _position(row: InLane) -> tuple[int, str, str]:
    place: Place = row.place
    return place.slot, place.rank, row.entity_id if place.is_waiting else ""
