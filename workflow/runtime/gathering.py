"""Gathering: effects of batched hooks wait for those of other entities, and run together."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from datetime import datetime, timedelta
from math import isqrt
from typing import TypeAlias, TypeVar

from workflow.definition.definition import HookUse, Retry
from workflow.runtime.hook_run import Claimed, Ran, run_batch
from workflow.runtime.ledger_entry import Outcome
from workflow.runtime.retries import DEFAULT_RETRY, LONGEST_WAIT_IN_PLACE_SECONDS
from workflow.runtime.runtime import Runtime

_Result = TypeVar("_Result")

Run: TypeAlias = "Generator[Claimed, Ran | None, _Result]"
"""What delivers effects: it yields one that is to run with others, and is sent how it ended; None: no time is left."""

Course: TypeAlias = "Generator[Claimed, Ran | None, None]"
"""A run of which nothing comes but what it does."""


class Gathering:
    """Runs what was gathered, as long as there is time: nothing is begun after `stop_at`."""

    def __init__(self, runtime: Runtime, stop_at: datetime) -> None:
        self._runtime, self._clock, self._stop_at = runtime, runtime.clock, stop_at

    def now(self) -> datetime:
        """The time by which it is told what has waited for long."""
        return self._clock.now()

    def run(self, together: Sequence[Claimed]) -> Sequence[Ran | None]:
        """How the run of each effect ended, in the order given; None for each if there is no time any more."""
        rest_seconds = max(one.rest_seconds for one in together)
        if self._clock.now() + timedelta(seconds=rest_seconds) >= self._stop_at:
            return [None] * len(together)
        if rest_seconds:
            # All rest at the same time, and keep one thread from its work, not one each.
            self._clock.sleep(rest_seconds)
        return run_batch(self._runtime, together)


def attempt_together(claimed: Claimed, size: int) -> Run[Ran | None]:
    """One attempt at an effect, in a batch of up to `size`; None if there was no time for it.

    What a whole batch raised is nobody's own error: its effects come again among fewer, and in the end each by itself.
    So whoever fails has failed alone, or was named by the hook; unless the time was up in between.
    """
    shared: Ran | None = None
    most = _most(claimed.use, claimed.outcome, size)
    while True:
        ran = yield claimed._replace(most=most)
        if ran is None:
            return shared
        if not ran.shared_by or _retry(claimed.use).attempts == 1:
            return ran
        shared, most = ran, isqrt(ran.shared_by)
        claimed = claimed._replace(outcome=_forgiven(ran.outcome), rest_seconds=_rest_seconds(claimed.use))


def _most(use: HookUse, outcome: Outcome, size: int) -> int:
    attempts = _retry(use).attempts
    # An effect whose run was cut off may be what ended the process.
    cut_off = outcome.attempts - len(outcome.attempts_failed)
    is_last = outcome.attempts - outcome.forgiven + 1 >= attempts
    if attempts > 1 and (is_last or cut_off > 1):
        return 1
    return isqrt(size) if attempts > 1 and cut_off == 1 else size


def _retry(use: HookUse) -> Retry:
    return use.retry or DEFAULT_RETRY


def _forgiven(outcome: Outcome) -> Outcome:
    return outcome._replace(status="owed", forgiven=outcome.forgiven + 1)


def _rest_seconds(use: HookUse) -> float:
    return min(_retry(use).first_seconds, LONGEST_WAIT_IN_PLACE_SECONDS)
