"""Start who is next in a lane, while there are slots: in the transaction that makes the transition, or not at all."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from workflow.definition.definition import Lane
from workflow.engine.place import LaneKey, Place
from workflow.errors import (
    ContentionError,
    DefinitionNotDeployedError,
    LaneFullError,
    Refused,
    StoreAccessError,
    VersionPassedError,
)
from workflow.runtime.again import wait
from workflow.runtime.ask import Ask
from workflow.runtime.lane_ports import InLane, LaneState
from workflow.runtime.runtime import Runtime
from workflow.runtime.slots import free_slots, limit_of

log = logging.getLogger("workflow")

WATCH = timedelta(minutes=1)
"""How long a sweeper lets somebody wait before it looks at the lane, whatever the stream brings."""

ENDING = timedelta(minutes=6)
"""A sweeper that is about to let go of a lane puts its next look so much later: half of it is far more than clocks are
wrong, so that everybody knows which of the two it is."""

_NOWHERE = Place("", "", datetime.max.replace(tzinfo=UTC))
_MOST_LOOKS = 32
_SPARE = 10
"""So many more of those that wait are read than there can be slots: some may refuse to be started."""


class Started(NamedTuple):
    """How many were started, and whether anybody may still wait."""

    started: int
    waiting: bool


def start_waiting(runtime: Runtime, lane: LaneKey) -> Started:
    """Fires the lane's trigger on the best of those that wait, as long as there are slots. Several at once are safe.

    Whoever refuses to be started is passed over. Raises LimitError, and a Retryable if it is not known who runs, or if
    others were faster every time.
    """
    definition = runtime.definitions.find(lane.kind)
    declared = definition.lanes.get(lane.lane) if definition else None
    if declared is None:
        return Started(0, False)
    limit = limit_of(runtime, declared, lane.key)
    started, beaten, passed = 0, 0, set[str]()
    while beaten < _MOST_LOOKS:
        # Twice as many each time that all who were asked refused.
        found = runtime.store.lane(lane, waiting=limit + 2 * len(passed) + _SPARE)
        look = _Look(runtime, lane, declared, passed)
        is_over = look.fill(free_slots(found.running, limit), found)
        started += look.started
        if is_over:
            return Started(started, _watch(runtime, lane, found, look.waiting))
        if look.is_beaten:
            wait(runtime.clock, min(beaten, 4))
            beaten += 1
    raise ContentionError(f"{lane}: others were faster {_MOST_LOOKS} times")


class _Look:
    """One look at a lane, and what came of it."""

    def __init__(self, runtime: Runtime, lane: LaneKey, declared: Lane, passed: set[str]) -> None:
        self._runtime, self._lane, self._declared, self._passed = runtime, lane, declared, passed
        self.started = 0
        self.waiting = False
        self.is_beaten = False

    def fill(self, slots: Sequence[int], found: LaneState) -> bool:
        """Starts one for each slot; False if it takes another look, since somebody else was faster or more wait."""
        queue = deque(row for row in found.waiting if row.entity_id not in self._passed)
        free = deque(slots)
        while free and queue:
            row = queue.popleft()
            try:
                place = self._start(row, free[0])
            except (LaneFullError, VersionPassedError):
                self.is_beaten = True
                return False
            if place is None:
                self._passed.add(row.entity_id)
            elif place.at(self._lane.kind) == self._lane and place.slot == free[0]:
                free.popleft()
                self.started += 1
        self.waiting = bool(queue) or not found.is_whole or _are_waiting(self._passed, found.waiting)
        return not free or found.is_whole

    def _start(self, row: InLane, slot: int) -> Place | None:
        """Where it went: None if nowhere. A guard may have led it elsewhere than into the slot, its data elsewhere than
        into this queue."""
        # Here and not above: what deciding needs is imported when something is decided.
        from workflow.runtime.fire import fire

        kind, trigger = self._lane.kind, self._declared.trigger
        try:
            entity = self._runtime.store.find_entity(kind, row.entity_id)
            if entity is None or not _waits_in(entity.place, self._lane):
                return None
            # In this version: with the next one it may wait in another queue, where the slot is somebody else's.
            ask = Ask(
                kind,
                row.entity_id,
                trigger,
                by=f"lane:{self._lane.lane}",
                held=entity,
                only_version=entity.version,
                slot=slot,
                trace=entity.trace,
            )
            return fire(self._runtime, ask).event.place or _NOWHERE
        except (StoreAccessError, VersionPassedError):
            raise
        except (Refused, DefinitionNotDeployedError) as refusal:
            # It has left meanwhile, or a guard says no: the next one is asked, and this one again with the next look.
            log.info("%s passes over %s: %s", self._lane, row.entity_id, refusal)
            return None


def _waits_in(place: Place | None, lane: LaneKey) -> bool:
    return place is not None and place.is_waiting and place.at(lane.kind) == lane


def _are_waiting(passed: Collection[str], waiting: Sequence[InLane]) -> bool:
    return any(row.entity_id in passed for row in waiting)


def _watch(runtime: Runtime, lane: LaneKey, found: LaneState, waiting: bool) -> bool:
    """Has a sweeper look at a lane in which somebody waits; whether somebody does."""
    now = runtime.clock.now()
    if waiting and (found.watched is None or found.watched > now + ENDING / 2):
        runtime.store.watch_lane(lane, found.watched, now + WATCH)
    return waiting


def watch_lane(runtime: Runtime, lane: LaneKey) -> None:
    """Has a sweeper look at the lane in a minute, if none will already."""
    _watch(runtime, lane, runtime.store.lane(lane, waiting=0), waiting=True)
