"""The lanes behind a bad network."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from workflow.engine.entity import Entity
from workflow.engine.place import LaneKey, Place
from workflow.runtime.lane_ports import InLane, LaneState, WatchedLane
from workflow.testing.simulation.port import Port


class FatedLanes(Port):
    """Lanes whose calls meet their fate."""

    def lane(self, lane: LaneKey, *, waiting: int) -> LaneState:
        """All that run and the first that wait."""

        def look() -> LaneState:
            if self._world.lane_watch:
                self._world.lane_watch.note_look(lane, waiting)
            return self._world.table.lane(lane, waiting=waiting)

        found = self._call(self._world.profile.read, look, "lane", *lane)
        self._world.rush.linger()
        return found

    def watched_lanes(self, now: datetime) -> Iterator[WatchedLane]:
        """The lanes to be looked at; may lag."""
        table = self._world.table
        return iter(self._lagging(lambda: list(table.watched_lanes(now)), "watched_lanes"))

    def watch_lane(self, lane: LaneKey, found: datetime | None, at: datetime | None) -> bool:
        """Has a sweeper look at the lane then."""
        table = self._world.table
        return self._call(
            self._world.profile.write, lambda: table.watch_lane(lane, found, at), "watch_lane", *lane, at or "no more"
        )

    def remove_from_lane(self, lane: LaneKey, found: InLane) -> bool:
        """Frees the place."""
        table = self._world.table
        return self._call(
            self._world.profile.write,
            lambda: table.remove_from_lane(lane, found),
            "remove_from_lane",
            *lane,
            found.entity_id,
        )

    def move_in_lane(self, entity: Entity, place: Place | None) -> bool:
        """Gives the entity another place."""
        table = self._world.table
        return self._call(
            self._world.profile.write,
            lambda: table.move_in_lane(entity, place),
            "move_in_lane",
            entity.kind,
            entity.id,
        )
