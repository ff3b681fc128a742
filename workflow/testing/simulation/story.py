"""What happened in a schedule, step by step, for people."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from workflow.testing.simulation.log import OWN_CHECK, Breach

START = datetime(2026, 1, 31, 12, 0, 0, tzinfo=UTC)
"""When every schedule begins."""

PROMISES = {
    1: "what was accepted is in the history once, what was refused is not",
    2: "versions have no gap, and the entity is what its events make of it",
    3: "every event's edge is declared",
    4: "every effect is committed once, or put aside and visible",
    5: "effects of one entity start in version order",
    6: "no entity's failure delays another by more than one retry cycle",
    7: "a raw write is recorded as a violation and runs no hook",
    8: "work of the framework wakes nobody, and cascades have a limit",
    9: "a lane has never more than its limit running, nor a free slot beside somebody who waits, once quiet",
    10: "nothing is half-written",
}


class Story:
    """Lines with their times and actors; kept only if somebody will read them."""

    __slots__ = ("_lines", "telling")

    def __init__(self, telling: bool) -> None:
        self.telling = telling
        self._lines: list[tuple[int, str, str]] = []

    def tell(self, at: int, actor: str, text: str) -> None:
        """Adds a line; `at` in microseconds since the start."""
        if self.telling:
            self._lines.append((at, actor, text))

    def lines(self) -> list[str]:
        """The story so far."""
        width = max((len(actor) for _, actor, _ in self._lines), default=0)
        return [f"{_clock(at)}  {actor:<{width}}  {text}" for at, actor, text in self._lines]


def ending(breaches: Sequence[Breach]) -> list[str]:
    """The promises that were broken, in words."""
    return [f"BROKEN: {_named(b.promise)}:\n  {b.text}" for b in breaches]


def _named(promise: int) -> str:
    return "your own check" if promise == OWN_CHECK else f"promise {promise} ({PROMISES[promise]})"


def _clock(at: int) -> str:
    return (START + timedelta(microseconds=at)).strftime("%H:%M:%S.%f")[:-3]
