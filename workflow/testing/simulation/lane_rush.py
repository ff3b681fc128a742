"""Schedulers of their own: actors that start whoever is next in a lane, at any time and many at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from workflow.engine.place import LaneKey
from workflow.errors import LimitError, Retryable
from workflow.runtime.start_waiting import start_waiting

if TYPE_CHECKING:
    from workflow.testing.simulation.world import World


def run_lanes(world: World, lanes: Sequence[LaneKey]) -> None:
    """Starts who is next in one lane after another."""
    for lane in lanes:
        world.tell(f"looks at the {lane}")
        try:
            done = start_waiting(world.runtime, lane)
        except (Retryable, LimitError) as error:
            world.tell(f"is told: {error}")
        else:
            world.tell(f"has started {done.started} in the {lane}" + (", and some wait" if done.waiting else ""))
