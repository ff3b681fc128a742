"""A clock that a test owns: it stands still until somebody sleeps or the test moves it."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

START = datetime(2026, 1, 31, 12, 0, 0, 123456, tzinfo=UTC)


class FakeClock:
    """Time from START on, ids `id-1`, `id-2` ..., and no chance at all; safe from several threads."""

    def __init__(self) -> None:
        self.slept: list[float] = []
        self._now = START
        self._ids = 0
        self._lock = threading.Lock()

    def now(self) -> datetime:
        return self._now

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self.slept.append(seconds)
            self._now += timedelta(seconds=seconds)

    def advance(self, seconds: float) -> None:
        """Lets time pass without anybody sleeping."""
        with self._lock:
            self._now += timedelta(seconds=seconds)

    def new_id(self) -> str:
        with self._lock:
            self._ids += 1
            return f"id-{self._ids}"

    def jitter(self) -> float:
        return 1.0
