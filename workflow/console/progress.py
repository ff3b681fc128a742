"""How far a walk over the whole table has come: a bar on a terminal, now and then a line elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from workflow.console.times import stay

_LINE_EVERY_SECONDS = 5.0


class WalkMeter:
    """Tells how many of about `estimated` entities are done, how fast, and how long the rest will take; an estimate of
    0 is none. Call it with the number done."""

    def __init__(self, console: Console, estimated: int, *, seconds: Callable[[], float] = time.monotonic) -> None:
        self._console, self._estimated, self._seconds = console, estimated, seconds
        self._first: int | None = None
        self._started = self._told = seconds()
        self._bar = self._new_bar() if console.is_terminal else None
        self._task: TaskID | None = None

    def _new_bar(self) -> Progress:
        of = f"of about {self._estimated:,}" if self._estimated else "entities"
        return Progress(
            BarColumn(),
            TextColumn(f"{{task.completed:,}} {of}"),
            TextColumn("{task.fields[speed]}{task.fields[beside]}"),
            TimeRemainingColumn(),
            console=self._console,
            transient=True,
        )

    def __enter__(self) -> WalkMeter:
        if self._bar:
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar:
            self._bar.stop()

    def __call__(self, done: int, beside: str = "") -> None:
        """Tells that so many are done, and what else there is to say."""
        if self._first is None:
            # What an interrupted walk had done before says nothing of how fast this one is.
            self._first, self._started = done, self._seconds()
        if self._bar:
            self._move(self._bar, done, beside)
        elif self._seconds() - self._told >= _LINE_EVERY_SECONDS:
            self._told = self._seconds()
            self._console.print(self.line(done, beside), soft_wrap=True)

    def _move(self, bar: Progress, done: int, beside: str) -> None:
        total = max(self._estimated, done) if self._estimated else None
        if self._task is None:
            self._task = bar.add_task("", total=total, completed=done, speed="", beside="")
        speed = f"{self._speed(done):,.0f}/s"
        bar.update(self._task, total=total, completed=done, speed=speed, beside=beside and f", {beside}")

    def _speed(self, done: int) -> float:
        return (done - (self._first or 0)) / max(self._seconds() - self._started, 0.001)

    def line(self, done: int, beside: str = "") -> str:
        """`1,200 of about 5,000 entities (24 %), 300/s, about 12 s left`, and what else there is to say."""
        speed, beside = self._speed(done), beside and f", {beside}"
        if not self._estimated:
            return f"{done:,} entities, {speed:,.0f}/s{beside}"
        share = min(done / self._estimated, 1.0)
        left = f", about {stay(round(max(self._estimated - done, 0) / speed))} left" if speed else ""
        return f"{done:,} of about {self._estimated:,} entities ({share:.0%}), {speed:,.0f}/s{left}{beside}"
