"""The clock that the tests own: it stands still until somebody sleeps or a test moves it."""

from __future__ import annotations

from datetime import UTC, datetime

from workflow.testing import MemoryClock

START = datetime(2026, 1, 31, 12, 0, 0, 123456, tzinfo=UTC)


class FakeClock(MemoryClock):
    """Time from START on, ids `id-1`, `id-2` ..., and no chance at all; safe from several threads."""

    def __init__(self) -> None:
        super().__init__(START)
