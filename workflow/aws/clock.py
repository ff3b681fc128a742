"""The one place that reads the time and draws random numbers."""

from __future__ import annotations

import random
import secrets
import time
from datetime import UTC, datetime


class SystemClock:
    """The machine's clock, and ids of 96 random bits."""

    def now(self) -> datetime:
        """The time, aware, in UTC."""
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        """Wait that long."""
        time.sleep(seconds)

    def new_id(self) -> str:
        """24 hexadecimal digits."""
        return secrets.token_hex(12)

    def jitter(self) -> float:
        """A random number from 0 up to 1."""
        return random.random()
