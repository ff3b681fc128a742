"""What a sweeper does about a lane in which somebody has waited for a while."""

from __future__ import annotations

from datetime import datetime

from workflow.engine.place import LaneKey
from workflow.runtime.lane_ports import WatchedLane
from workflow.runtime.mend_lane import mend_lane
from workflow.runtime.runtime import Runtime
from workflow.runtime.start_waiting import ENDING, WATCH, start_waiting


def sweep_lane(runtime: Runtime, watched: WatchedLane) -> int:
    """Mends the lane, starts who is next, and returns how many; looks again in a minute while somebody waits.

    That somebody waits beside a free slot is so if a limit was raised, if whoever was next refused to be started, or if
    the stream lost something. Raises LimitError and Retryables; the lane is looked at again then.
    """
    again = runtime.clock.now() + WATCH
    if not runtime.store.watch_lane(watched.lane, watched.at, again):
        # Another sweeper is at it.
        return 0
    mend_lane(runtime, watched.lane)
    started, waiting = start_waiting(runtime, watched.lane)
    if not waiting:
        _let_go(runtime, watched.lane, again)
    return started


def _let_go(runtime: Runtime, lane: LaneKey, watched: datetime) -> None:
    """Looks at the lane no more, unless somebody has come since the look.

    In two steps, so that nobody is left alone where this process ends in between: who comes after the first one sees
    that the watch is about to end, and watches anew.
    """
    ending = watched + ENDING
    if not runtime.store.watch_lane(lane, watched, ending):
        return
    waits = runtime.store.lane(lane, waiting=1).waiting
    runtime.store.watch_lane(lane, ending, watched if waits else None)
