"""The hooks that are paused, as a process knows them without asking each time."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta

from workflow.errors import Retryable
from workflow.runtime.ports import Clock, Ledger, Pause

log = logging.getLogger("workflow")

KEPT = timedelta(seconds=10)
"""A pause or its end is known everywhere after this time."""


class PausedHooks:
    """Asks at most every ten seconds; while nobody answers, what was known last holds."""

    def __init__(self, ledger: Ledger, clock: Clock) -> None:
        self._ledger, self._clock = ledger, clock
        self._known: Mapping[str, Pause] = {}
        self._asked_at: datetime | None = None

    def now(self) -> Mapping[str, Pause]:
        """The paused hooks by name; raises a Retryable while nothing is known at all."""
        now = self._clock.now()
        if self._asked_at is None or now - self._asked_at >= KEPT:
            try:
                self._known, self._asked_at = self._ledger.pauses(), now
            except Retryable as error:
                if self._asked_at is None:
                    # Nothing is known: a hook that is paused for a reason must not run for want of an answer.
                    raise
                log.warning("which hooks are paused is not known anew: %s", error)
        return self._known
