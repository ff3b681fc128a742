"""Rushes: schedulers of their own, which start whoever is next in a lane, at any time and many at once; and limits."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from workflow.engine.place import LaneKey
from workflow.errors import LimitError, Retryable
from workflow.runtime.start_waiting import start_waiting
from workflow.testing.simulation.scheduler import SECOND, Actor, find_current

if TYPE_CHECKING:
    from workflow.testing.simulation.world import World

_FEWEST, _SPREAD = 8, 5
_LINGERS = SECOND // 5
_LIMITS = (3, 1, 2, 0)


class Rush:
    """What happens to the lanes of one world, beside handlers and sweepers."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._limits: dict[tuple[str, str], int] = {}
        self._lingering: set[Actor] = set()
        self._schedulers = 0

    def limit(self, name: str, key: str) -> int:
        """What the stand-in of a limit function says; fate changes it, and sometimes lets it fail."""
        world, place = self._world, (name, key)
        if world.is_mended:
            return _LIMITS[0]
        if world.fate.happens(25):
            world.fault("limit function failed")
            raise LookupError("no limit today")
        if place not in self._limits or world.fate.happens(8):
            self._limits[place] = _LIMITS[world.fate.choose(len(_LIMITS))]
            world.tell_of("people", f"the limit {name!r} of {key!r} is {self._limits[place]} now")
        return self._limits[place]

    def start(self) -> None:
        """Many who start whoever is next, in any lanes, all at once."""
        world = self._world
        lanes = sorted({*world.table.lane_keys(), *(watched.lane for watched in world.table.watched())})
        if not lanes:
            return
        for _ in range(_FEWEST + world.fate.choose(_SPREAD)):
            self._schedulers += 1
            mine = [lanes[world.fate.choose(len(lanes))] for _ in range(1 + world.fate.happens(3))]
            skew = world.skew_of(self._schedulers)
            actor = world.scheduler.spawn(f"scheduler {self._schedulers}", partial(_run, world, mine), skew=skew)
            if world.fate.choose(4) < 3:
                self._lingering.add(actor)

    def linger(self) -> None:
        """Whoever came with a rush has seen a lane, and the others see it too before it does anything."""
        actor = find_current()
        if actor is not None and actor in self._lingering:
            self._lingering.discard(actor)
            self._world.scheduler.sleep(_LINGERS)


def _run(world: World, lanes: Sequence[LaneKey]) -> None:
    for lane in lanes:
        world.tell(f"looks at the {lane}")
        try:
            done = start_waiting(world.runtime, lane)
        except (Retryable, LimitError) as error:
            world.tell(f"is told: {error}")
        else:
            world.tell(f"has started {done.started} in the {lane}" + (", and some wait" if done.waiting else ""))
