"""A clock that a test owns."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

# Not on a whole second, so that whoever loses the rest of it is noticed.
_START = datetime(2026, 1, 31, 12, 0, 0, 123456, tzinfo=UTC)


class MemoryClock:
    """A clock that stands still until somebody sleeps or the test calls `advance`; ids are `id-1`, `id-2` ..., and
    `slept` lists what was slept."""

    def __init__(self, start: datetime = _START, *, jitter: float = 1.0) -> None:
        if start.tzinfo is None:
            raise ValueError(f"{start!r} needs a time zone")
        self.slept: list[float] = []
        self._now = start
        self._jitter = jitter
        self._ids = 0
        self._lock = threading.Lock()

    def now(self) -> datetime:
        """The time."""
        return self._now

    def sleep(self, seconds: float) -> None:
        """Lets time pass at once, and keeps how long."""
        with self._lock:
            self.slept.append(seconds)
            self._now += timedelta(seconds=seconds)

    def advance(self, seconds: float) -> None:
        """Lets time pass without anybody sleeping."""
        with self._lock:
            self._now += timedelta(seconds=seconds)

    def new_id(self) -> str:
        """The next id."""
        with self._lock:
            self._ids += 1
            return f"id-{self._ids}"

    def jitter(self) -> float:
        """The same number each time: no chance at all."""
        return self._jitter
