"""Counting what happens: the port that meters implement."""

from __future__ import annotations

from typing import Protocol

REFUSALS = "Refusals"
"""Requests that were refused, by `kind` and `reason`, which is the name of the error's class."""


class Meter(Protocol):
    """Adds up what happens, for whoever looks after it; never raises, and may be used by several threads."""

    def count(self, metric: str, value: float = 1, **dimensions: str) -> None:
        """Adds `value` to the metric of those dimensions; strangers must not be able to choose what a dimension says,
        for each costs."""
        ...


class _NoMeter:
    def count(self, metric: str, value: float = 1, **dimensions: str) -> None:
        pass


NO_METER: Meter = _NoMeter()
"""Nobody counts."""
