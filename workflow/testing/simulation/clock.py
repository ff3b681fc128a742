"""The virtual clock: each actor reads it with the error of its own machine."""

from __future__ import annotations

from datetime import datetime, timedelta

from greenlet import GreenletExit  # type: ignore[import-untyped]

from workflow.testing.simulation.scheduler import SECOND, Scheduler, find_current
from workflow.testing.simulation.story import START

_JITTERS = (0.5, 0.0, 0.25, 0.99)


class VirtualClock:
    """Time that passes only when all actors wait, ids in order, and jitter by fate."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self._ids = 0

    def now(self) -> datetime:
        """The time, as the machine of the actor that asks believes it to be."""
        actor = find_current()
        if actor is None:
            return START + timedelta(microseconds=self._scheduler.now)
        if actor.crashed:
            raise GreenletExit
        return START + timedelta(microseconds=self._scheduler.now + actor.skew)

    def sleep(self, seconds: float) -> None:
        """Waits; others act meanwhile."""
        self._scheduler.sleep(round(seconds * SECOND))

    def new_id(self) -> str:
        """The next id."""
        self._ids += 1
        return f"id-{self._ids}"

    def jitter(self) -> float:
        """A number from 0 up to 1."""
        return _JITTERS[self._scheduler.fate.choose(4)]
