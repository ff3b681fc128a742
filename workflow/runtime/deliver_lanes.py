"""The lanes that a batch of changes has touched: whoever is next there is started, whatever becomes of the effects."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence

from workflow.engine.place import LaneKey, left_and_taken
from workflow.errors import Refused, Retryable
from workflow.runtime.changes import Change, find_violation
from workflow.runtime.crew import Crew
from workflow.runtime.mend_lane import mend_lane, mend_place
from workflow.runtime.redact import bare_trace
from workflow.runtime.runtime import Runtime
from workflow.runtime.start_waiting import start_waiting, watch_lane

log = logging.getLogger("workflow")


class LaneDelivery:
    """Looks at lanes one after another; each once, however many changes have touched it."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self.started = 0
        self.failed: list[Change] = []

    def look(self, lane: LaneKey, changes: Sequence[Change]) -> None:
        """Starts who is next; if that is not known to be done, the changes must come again. Never raises."""
        try:
            self._mend(lane, changes)
            self.started += start_waiting(self._runtime, lane).started
        except Retryable as error:
            log.warning("the %s is looked at again: %s", lane, error)
            self.failed += changes
        except Exception as error:
            # The other entities of the stream must not wait for it: a sweeper looks again every minute.
            log.error("the %s: %s", lane, error if isinstance(error, Refused) else bare_trace(error))
            self._watch(lane, changes)

    def _mend(self, lane: LaneKey, changes: Sequence[Change]) -> None:
        """What was written by hand may have left a place behind, or come without one."""
        by_hand = [change for change in changes if _is_by_hand(self._runtime, change)]
        for change in by_hand:
            mend_place(self._runtime, change.kind, change.entity_id)
        if by_hand:
            mend_lane(self._runtime, lane)

    def _watch(self, lane: LaneKey, changes: Sequence[Change]) -> None:
        try:
            watch_lane(self._runtime, lane)
        except Exception as error:
            log.warning("the %s is looked at again: %s", lane, bare_trace(error))
            self.failed += changes


def deliver_lanes(runtime: Runtime, changes: Sequence[Change], crew: Crew) -> tuple[int, list[Change]]:
    """Starts who is next in every lane that the changes have touched; how many were started, and what must come
    again."""
    touched: dict[LaneKey, list[Change]] = {}
    failed: list[Change] = []
    for change in changes:
        try:
            for lane in set(_touched(runtime, change)):
                touched.setdefault(lane, []).append(change)
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
    if left is not None and (not left.is_waiting or _is_by_hand(runtime, change)):
        yield left.at(change.kind)
    if place is not None and (place.is_waiting or _is_by_hand(runtime, change)):
        yield place.at(change.kind)
    if change.version > change.before_version + 1:
        yield from _between(runtime, change)


def _between(runtime: Runtime, change: Change) -> Iterator[LaneKey]:
    """The lanes of the versions that the stream did not bring."""
    if not any(d.lanes for d in runtime.definitions if d.kind == change.kind):
        return
    limit = change.version - change.before_version
    for event in runtime.store.events(change.kind, change.entity_id, after=change.before_version, limit=limit):
        if event.place is not None:
            yield event.place.at(change.kind)


def _is_by_hand(runtime: Runtime, change: Change) -> bool:
    try:
        return change.owed is None and bool(find_violation(change, runtime.definitions))
    except Retryable:
        return False
