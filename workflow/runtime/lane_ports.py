"""What lanes need from outside: who runs and who waits, kept beside the entities and changed in their transactions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from workflow.engine.entity import Entity
from workflow.engine.place import LaneKey, Place


class InLane(NamedTuple):
    """An entity in a lane, and its place there."""

    entity_id: str
    place: Place


class LaneState(NamedTuple):
    """A lane as one consistent read shows it: all that run, by slot, and the first that wait, best first.

    `is_whole` says whether nobody else waits. `watched` is when a sweeper looks at it next, None if none will.
    """

    running: Sequence[InLane]
    waiting: Sequence[InLane]
    is_whole: bool
    watched: datetime | None


class WatchedLane(NamedTuple):
    """A lane in which somebody waits, and when a sweeper is to look at it."""

    lane: LaneKey
    at: datetime


class Lanes(Protocol):
    """Who runs and who waits. A `commit` of the store changes it with the entity; may raise the same errors."""

    def lane(self, lane: LaneKey, *, waiting: int) -> LaneState:
        """All that run and at least the first so many that wait, by one consistent read."""
        ...

    def watched_lanes(self, now: datetime) -> Iterator[WatchedLane]:
        """The lanes that a sweeper is to look at; may lag behind by moments."""
        ...

    def watch_lane(self, lane: LaneKey, found: datetime | None, at: datetime | None) -> bool:
        """Has a sweeper look at the lane then (None: not any more), if `found` is what stands there; whether it was."""
        ...

    def remove_from_lane(self, lane: LaneKey, found: InLane) -> bool:
        """Frees the place, if exactly this entity holds it since then, and whether it did."""
        ...

    def move_in_lane(self, entity: Entity, place: Place | None) -> bool:
        """Gives the entity another place, without an event: for mending what was changed by hand. Nothing is written,
        and False returned, if the entity is not as it was read, or somebody else has the place."""
        ...
