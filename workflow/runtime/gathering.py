"""Gathering: effects of batched hooks wait for those of other entities, and run together."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from datetime import datetime
from typing import TypeAlias, TypeVar

from workflow.runtime.hook_run import Claimed, Ran, run_batch
from workflow.runtime.runtime import Runtime

_Result = TypeVar("_Result")

Run: TypeAlias = "Generator[Claimed, Ran | None, _Result]"
"""What delivers effects: it yields one that is to run with others, and is sent how it ended; None: no time is left."""

Course: TypeAlias = "Generator[Claimed, Ran | None, None]"
"""A run of which nothing comes but what it does."""


class Gathering:
    """Runs what was gathered, as long as there is time: nothing is begun after `stop_at`."""

    def __init__(self, runtime: Runtime, stop_at: datetime) -> None:
        self._runtime, self._stop_at = runtime, stop_at

    def run(self, together: Sequence[Claimed]) -> Sequence[Ran | None]:
        """How the run of each effect ended, in the order given; None for each if there is no time any more."""
        if self._runtime.clock.now() >= self._stop_at:
            return [None] * len(together)
        return run_batch(self._runtime, together)
