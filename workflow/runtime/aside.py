"""Putting an entity aside at an effect: until a moment, or until a person comes."""

from __future__ import annotations

import logging
from datetime import timedelta

from workflow.definition.definition import HookUse
from workflow.definition.undo_names import hook_of
from workflow.errors import LeaseLostError
from workflow.runtime.claims import Claims
from workflow.runtime.delivered import Delivered
from workflow.runtime.ledger_entry import LedgerEntry, Parked, Status, Why
from workflow.runtime.ports import Clock
from workflow.runtime.retries import DEFAULT_RETRY, is_spent, wait_seconds

log = logging.getLogger("workflow")

_LONGEST_ERROR = 1000

PAUSED_WAIT = timedelta(minutes=10)
"""How long what a pause put aside waits before it looks again by itself; `resume` makes it due at once."""


class Aside:
    """Puts aside what one owner holds, and counts it."""

    def __init__(self, claims: Claims, clock: Clock, delivered: Delivered) -> None:
        self._claims, self._clock, self._delivered = claims, clock, delivered

    def wait(self, entry: LedgerEntry, hook: str, why: Why, wait: timedelta, error: str) -> LedgerEntry:
        """The entity goes on by itself after the wait."""
        after = self._claims.put_aside(entry, hook, self._parked(entry, hook, why, wait, error))
        self._delivered.put_aside += 1
        return after

    def wait_for_next_attempt(self, entry: LedgerEntry, use: HookUse, error: str) -> LedgerEntry:
        """The same after the wait that the hook's `retry` says."""
        return self.wait(entry, use.hook, "retry", self._before_next(entry, use), error)

    def for_person(self, entry: LedgerEntry, hook: str, why: Why, error: str, trace: str = "") -> LedgerEntry:
        """The entity goes on when a person says so; the error and where it came from stay with it."""
        parked = self._parked(entry, hook, why, None, error)
        after = self._claims.put_aside(self._marked(entry, hook, error, trace), hook, parked)
        self._count_person(entry, hook, parked)
        return after

    def unanswered(self, entry: LedgerEntry, use: HookUse, error: str) -> LedgerEntry:
        """For an outcome that was to be written together with a transition, when nobody knows whether it was: as it
        stands if it was, else put aside, so that all of it happens again.

        Raises LeaseLostError if the entry has passed to another owner, and what the ledger raises.
        """
        found = self._claims.look(entry)
        if not self._claims.hold(found):
            raise LeaseLostError(f"{entry}: they passed to another owner meanwhile")
        if found.is_as(entry):
            return entry
        # It ran well, and then nobody knows: as after a run that was cut off.
        status: Status = "unknown" if entry.outcomes[use.hook].status == "done" else "failed"
        failed = entry.with_outcome(use.hook, entry.outcomes[use.hook]._replace(status=status, error=error, note=""))
        if not is_spent(use, failed.outcomes[use.hook]):
            parked = self._parked(entry, use.hook, "retry", self._before_next(failed, use), error)
            after = self._claims.put_aside_if(found, failed, parked)
            self._delivered.put_aside += 1
            return after
        parked = self._parked(entry, use.hook, "attempts", None, error)
        after = self._claims.put_aside_if(found, self._marked(failed, use.hook, error, ""), parked)
        self._count_person(entry, use.hook, parked)
        return after

    def _before_next(self, entry: LedgerEntry, use: HookUse) -> timedelta:
        longest = wait_seconds(use.retry or DEFAULT_RETRY, entry.outcomes[use.hook])
        return timedelta(seconds=longest * self._clock.jitter())

    def _parked(self, entry: LedgerEntry, hook: str, why: Why, wait: timedelta | None, error: str) -> Parked:
        now = self._clock.now()
        since = entry.parked.since if entry.parked else now
        return Parked(hook, why, since, None if wait is None else now + wait, error[:_LONGEST_ERROR])

    def _marked(self, entry: LedgerEntry, hook: str, error: str, trace: str) -> LedgerEntry:
        outcome = entry.outcomes[hook]
        earlier = outcome.earlier if outcome.error in ("", error) else outcome.attempts_failed
        marked = outcome._replace(status="parked", error=error, trace=trace, at=self._clock.now(), earlier=earlier)
        return entry.with_outcome(hook, marked)

    def _count_person(self, entry: LedgerEntry, hook: str, parked: Parked) -> None:
        self._delivered.for_people[entry.kind, hook_of(hook)] += 1
        told = {"hook": hook_of(hook)}
        log.error("%s wait for a person at %r (%s): %s", entry, hook, parked.why, parked.error, extra=told)
