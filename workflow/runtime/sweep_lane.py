"""What a sweeper does about a lane in which somebody has waited for a while."""

from __future__ import annotations

from workflow.runtime.lane_ports import WatchedLane
from workflow.runtime.mend_lane import mend_lane
from workflow.runtime.runtime import Runtime
from workflow.runtime.start_waiting import WATCH, start_waiting, watch_lane


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
    forgotten = not waiting and runtime.store.watch_lane(watched.lane, again, None)
    # Who came after the look may have seen that the lane was watched.
    if forgotten and runtime.store.lane(watched.lane, waiting=1).waiting:
        watch_lane(runtime, watched.lane)
    return started
