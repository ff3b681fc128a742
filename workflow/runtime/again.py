"""Doing a thing again that failed for the moment: bounded, and with full jitter between the attempts."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from workflow.errors import Retryable
from workflow.runtime.ports import Clock

FIRST_WAIT_SECONDS = 0.02
LONGEST_WAIT_SECONDS = 1.0

_Result = TypeVar("_Result")


def wait(clock: Clock, attempt: int) -> None:
    """Waits before the attempt that follows number `attempt` (0, 1, 2 ...): each time up to twice as long."""
    longest = min(FIRST_WAIT_SECONDS * 2**attempt, LONGEST_WAIT_SECONDS)
    clock.sleep(longest * clock.jitter())


def again(
    clock: Clock,
    attempts: int,
    work: Callable[[], _Result],
    *,
    final: tuple[type[Retryable], ...] = (),
) -> _Result:
    """What the work returns at the first attempt that raises no Retryable; raises the last one, and at once those
    that are `final`."""
    for attempt in range(attempts - 1):
        try:
            return work()
        except final:
            raise
        except Retryable:
            wait(clock, attempt)
    return work()
