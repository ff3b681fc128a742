"""The lanes that a batch of changes has touched: whoever is next there is started, whatever becomes of the effects."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from workflow.engine.place import LaneKey, left_and_taken
from workflow.errors import Refused, Retryable
from workflow.runtime.changes import Change, find_violation
from workflow.runtime.crew import Crew
from workflow.runtime.lane_ports import InLane
from workflow.runtime.mend_lane import free_stale, mend_lane, mend_place
from workflow.runtime.redact import bare_trace
from workflow.runtime.runtime import Runtime
from workflow.runtime.start_waiting import start_waiting, watch_lane

log = logging.getLogger("workflow")


class _Touch(NamedTuple):
    change: Change
    by_hand: bool


class LaneDelivery:
    """Looks at lanes one after another; each once, however many changes have touched it."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self.started = 0
        self.failed: list[Change] = []

    def look(self, lane: LaneKey, touches: Sequence[_Touch]) -> None:
        """Starts who is next; if that is not known to be done, the changes must come again. Never raises."""
        try:
            if any(touch.by_hand for touch in touches):
                mend_lane(self._runtime, lane)
            self.started += start_waiting(self._runtime, lane).started
        except Retryable as error:
            log.warning("the %s is looked at again: %s", lane, error)
            self.failed += [touch.change for touch in touches]
        except Exception as error:
            # The other entities of the stream must not wait for it: a sweeper looks again every minute.
            log.error("the %s: %s", lane, error if isinstance(error, Refused) else bare_trace(error))
            self._watch(lane, touches)

    def _watch(self, lane: LaneKey, touches: Sequence[_Touch]) -> None:
        try:
            watch_lane(self._runtime, lane)
        except Retryable as error:
            log.warning("the %s is looked at again: %s", lane, error)
            self.failed += [touch.change for touch in touches]
        except Exception as error:
            # Its rows were changed by hand: coming again would mend nothing.
            log.error("the %s is not watched: %s", lane, error if isinstance(error, Refused) else bare_trace(error))


def deliver_lanes(runtime: Runtime, changes: Sequence[Change], crew: Crew) -> tuple[int, list[Change]]:
    """Starts who is next in every lane that the changes have touched; how many were started, and what must come
    again."""
    touched: dict[LaneKey, list[_Touch]] = {}
    failed: list[Change] = []
    for change in changes:
        if change.owed is not None and change.left is None and change.place is None:
            continue
        try:
            by_hand = _is_by_hand(runtime, change)
            for lane in dict.fromkeys(_mended(runtime, change) if by_hand else _touched(runtime, change)):
                touched.setdefault(lane, []).append(_Touch(change, by_hand))
        except Retryable as error:
            log.warning("the lanes of %s are looked at again: %s", change, error)
            failed.append(change)
        except Refused as error:
            log.error("the lanes of %s are not known: %s", change, error)
    if not touched:
        return 0, failed
    took_part = crew.work_off(touched.items(), lambda: LaneDelivery(runtime), lambda own, job: own.look(*job))
    return sum(own.started for own in took_part), failed + [change for own in took_part for change in own.failed]


def _touched(runtime: Runtime, change: Change) -> Iterator[LaneKey]:
    """The lanes in which a slot may be free now, or somebody wait who did not before."""
    left, place = left_and_taken(change.left, change.place)
    if left is not None and not left.is_waiting:
        yield left.at(change.kind)
    if place is not None and place.is_waiting:
        yield place.at(change.kind)
    if change.version > change.before_version + 1 and _has_lanes(runtime, change):
        # The versions in between, which the stream did not bring.
        missed = change.version - change.before_version
        for event in runtime.store.events(change.kind, change.entity_id, after=change.before_version, limit=missed):
            if event.place is not None:
                yield event.place.at(change.kind)


def _mended(runtime: Runtime, change: Change) -> Iterator[LaneKey]:
    """The lanes that a write by hand has to do with: the entity stands where it should in them, afterwards."""
    for place in (change.left, change.place):
        if place is not None:
            yield place.at(change.kind)
    if change.gone:
        if change.left is not None:
            free_stale(runtime, change.left.at(change.kind), InLane(change.entity_id, change.left))
        return
    mend_place(runtime, change.kind, change.entity_id)
    # Also if nothing was to be mended: it may have been, and the look that follows have failed.
    entity = runtime.store.find_entity(change.kind, change.entity_id)
    if entity is not None and entity.place is not None:
        yield entity.place.at(change.kind)


def _has_lanes(runtime: Runtime, change: Change) -> bool:
    return any(definition.lanes for definition in runtime.definitions if definition.kind == change.kind)


def _is_by_hand(runtime: Runtime, change: Change) -> bool:
    """Whether the change is one that the framework did not make, of a kind that has lanes."""
    if change.owed is not None or not _has_lanes(runtime, change):
        return False
    try:
        return bool(find_violation(change, runtime.definitions))
    except Retryable:
        return False
