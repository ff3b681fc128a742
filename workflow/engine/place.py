"""Places in lanes: where an entity waits for its turn, or which slot it has taken."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple


class LaneKey(NamedTuple):
    """One queue: of a kind, by the lane's name, for one key."""

    kind: str
    lane: str
    key: str

    def __str__(self) -> str:
        return f"lane {self.lane} of {self.kind}" + (f" for {self.key!r}" if self.key else "")


class Place(NamedTuple):
    """An entity's place in a lane: a slot from 1 on (0: one must still be chosen), or, with a `rank`, its place among
    those that wait: in text order the first is next. `since` is when it came there, aware, in UTC."""

    lane: str
    key: str
    since: datetime
    slot: int = 0
    rank: str = ""

    @property
    def is_waiting(self) -> bool:
        """Whether it is a place among those that wait."""
        return self.rank != ""

    def at(self, kind: str) -> LaneKey:
        """The queue that the place is in."""
        return LaneKey(kind, self.lane, self.key)

    def is_same(self, other: Place | None) -> bool:
        """Whether both are one place, whoever stands there since when."""
        return other is not None and self._replace(since=other.since) == other


def left_and_taken(before: Place | None, after: Place | None) -> tuple[Place | None, Place | None]:
    """The place that whoever goes from one to the other gives back, and the one to be taken; None where there is
    none."""
    if before is not None and before.is_same(after):
        return None, None
    return before, after
