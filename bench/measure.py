"""Timing two pieces of work fairly: in turn, many times, the median of the ratios pair by pair."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """One measured figure: what it is, what it is measured against, the ratio, and what it must reach."""

    name: str
    reference: str
    ratio: float
    goal: float | None
    unit: str = "x"
    at_most: bool = False
    detail: str = ""

    @property
    def reached(self) -> bool:
        """Whether the figure is as good as it must be; one without a goal always is."""
        if self.goal is None:
            return True
        return self.ratio <= self.goal if self.at_most else self.ratio >= self.goal


Clock = Callable[[], float]

cpu: Clock = time.process_time
"""CPU time of this process and all its threads: what to measure work by that waits for nothing."""

wall: Clock = time.perf_counter
"""What to measure work by that waits for somebody else."""


def seconds(work: Callable[[], object], clock: Clock) -> float:
    """How long the work takes once."""
    started = clock()
    work()
    return clock() - started


def speed_ratio(
    ours: Callable[[], Callable[[], object]],
    reference: Callable[[], Callable[[], object]],
    *,
    clock: Clock = cpu,
    rounds: int = 9,
) -> tuple[float, str]:
    """How many times as fast as the reference ours is (median over rounds), and the best times in words.

    Both are given as functions that prepare one round of work, unmeasured, and return it.
    """
    pairs = [(seconds(reference(), clock), seconds(ours(), clock)) for _ in range(rounds + 1)][1:]
    ratio = statistics.median(theirs / own for theirs, own in pairs)
    best = [min(column) * 1000 for column in zip(*pairs, strict=True)]
    return ratio, f"{best[1]:.2f} ms against {best[0]:.2f} ms"


def rate(work: Callable[[], object], times: int, *, rounds: int = 9) -> float:
    """How often a second the work is done, of `times` in a row; the best round, as nothing is there to compare with."""

    def repeat() -> None:
        for _ in range(times):
            work()

    repeat()
    return times / min(seconds(repeat, cpu) for _ in range(rounds))
