"""A bad network before store and ledger: at each call others may act first, and fate may do its worst."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar, cast

from workflow.errors import ContentionError, StoreUnavailableError, ThrottledError, WorkflowError
from workflow.testing.simulation.fate import Odds
from workflow.testing.simulation.scheduler import SECOND, current

if TYPE_CHECKING:
    from workflow.testing.simulation.world import World

_T = TypeVar("_T")
_DELAYS = (0.3, 3.0, 20.0, 70.0, 200.0)
_PLANNED_DELAY = 70.0
"""Longer than any lease lasts."""

_ERRORS = {"request lost": StoreUnavailableError, "throttled": ThrottledError, "conflict": ContentionError}


class Port:
    """Puts each call through fate."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._seen: dict[str, object] = {}

    def _call(self, odds: Odds, work: Callable[[], _T], what: str, *subject: object) -> _T:
        return self._meet(self._world.arrive(odds, what, subject), work, what)

    def _meet(self, fault: str, work: Callable[[], _T], what: str) -> _T:
        if not fault:
            return work()
        if fault == "crash before":
            self._crash()
        if fault in _ERRORS:
            raise _ERRORS[fault](f"{what}: {fault}")
        if fault.startswith("slow"):
            return self._slowly(fault, work)
        if fault == "arrives late":
            self._world.send_late(what, lambda: self._arrive_late(work))
            raise StoreUnavailableError(f"{what}: no answer in time")
        # Also what is sent twice, as botocore does by itself when the first answer is lost.
        with suppress(WorkflowError):
            work()
        if fault == "sent twice":
            return work()
        if fault == "crash after":
            self._crash()
        raise StoreUnavailableError(f"{what}: {fault}")

    def _crash(self) -> None:
        self._world.scheduler.crash(current())

    def _slowly(self, fault: str, work: Callable[[], _T]) -> _T:
        if fault == "slow request":
            self._sleep()
            return work()
        try:
            return work()
        finally:
            if not current().crashed:
                self._sleep()

    def _arrive_late(self, work: Callable[[], object]) -> None:
        """Long after whoever sent it gave up waiting."""
        self._sleep()
        with suppress(WorkflowError):
            work()

    def _sleep(self) -> None:
        world = self._world
        seconds = _DELAYS[world.fate.choose(len(_DELAYS))] if world.plan is None else _PLANNED_DELAY
        world.scheduler.sleep(round(seconds * SECOND))

    def _lagging(self, work: Callable[[], _T], what: str, *subject: object) -> _T:
        """A read that is only eventually consistent: it may show what it showed before."""

        def read() -> _T:
            self._seen[what] = shown = work()
            return shown

        fault = self._world.arrive(self._world.profile.lagging, what, subject)
        if fault == "stale read":
            return cast(_T, self._seen[what]) if what in self._seen else read()
        return self._meet(fault, read, what)
