"""Counting what happens: the port that meters implement."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from workflow.errors import Refused, UnknownKindError, VersionPassedError
from workflow.runtime.ask import BY_TIMER, Ask

REFUSALS = "Refusals"
"""Creations and triggers that were refused, by `kind` and `reason`, which is the name of the error's class."""


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


@contextmanager
def counting_refusals(meter: Meter, ask: Ask) -> Iterator[None]:
    """Counts the Refused that leaves the block; under no kind if none is called so, for anybody may choose that."""
    try:
        yield
    except Refused as refusal:
        if not _is_own_race(ask, refusal):
            kind = "" if isinstance(refusal, UnknownKindError) else ask.kind
            meter.count(REFUSALS, kind=kind, reason=type(refusal).__name__)
        raise


def _is_own_race(ask: Ask, refusal: Refused) -> bool:
    """Whether a timer or a lane came too late: something else was faster, and nobody was refused anything."""
    return isinstance(refusal, VersionPassedError) and (ask.slot > 0 or ask.by == BY_TIMER)
