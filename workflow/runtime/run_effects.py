"""Running the effects of one event, in order, until all are settled or the entity is put aside."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

from workflow.definition.definition import HookUse
from workflow.errors import Retryable
from workflow.runtime.aside import PAUSED_WAIT, Aside
from workflow.runtime.changes import Change, use_of
from workflow.runtime.claims import Claims
from workflow.runtime.declared import batch_size
from workflow.runtime.delivered import Delivered
from workflow.runtime.gathering import Run, attempt_together
from workflow.runtime.hook_run import Claimed, Ran, ask_probe, run_hook
from workflow.runtime.leading_on import LeadingOn
from workflow.runtime.ledger_entry import LedgerEntry
from workflow.runtime.paused import PausedHooks
from workflow.runtime.ports import Pause
from workflow.runtime.retries import LONGEST_WAIT_IN_PLACE_SECONDS, WAITS_IN_PLACE, after_failure, is_spent
from workflow.runtime.runtime import Runtime

log = logging.getLogger("workflow")

_CUT_OFF_IN_PLACE = 2
"""A run that was cut off so often is left to the sweeper: it may be what ends the process."""


class OutOfTime(Exception):  # noqa: N818 - a signal inside this floor, told to nobody
    """Ends a delivery before the process may be stopped; what is left comes again."""


class EffectRunner:
    """Runs effects for one owner. `stop_at`: nothing is begun after that moment."""

    def __init__(
        self,
        runtime: Runtime,
        owner: str,
        lease_until: datetime,
        stop_at: datetime,
        paused: PausedHooks,
        delivered: Delivered,
    ) -> None:
        self._runtime, self._stop_at = runtime, stop_at
        self._paused = paused
        self.delivered = delivered
        self.claims = Claims(runtime.ledger, runtime.clock, owner, lease_until)
        self._aside = Aside(self.claims, runtime.clock, delivered)
        self._leading_on = LeadingOn(runtime, owner, self.claims, self._aside)

    def run(self, change: Change, hooks: Sequence[str]) -> Run[bool]:
        """Runs what the change owes; whether it is settled, and what comes later may go on.

        Raises ClaimError while another owner is at it, OutOfTime, and what the ledger raises.
        """
        self.check_time()
        entry = self.claims.claim(change, tuple(hooks))
        if entry is None:
            return False
        return (yield from self.settle(change, entry)).settled

    def settle(self, change: Change, entry: LedgerEntry) -> Run[LedgerEntry]:
        """Runs what is open of effects that this owner has claimed, and returns how they stand then: settled, or put
        aside."""
        for hook in entry.outcomes:
            if not entry.outcomes[hook].settled:
                entry = yield from self._settle(change, entry, use_of(self._runtime.definitions, change, hook))
                if not entry.outcomes[hook].settled:
                    break
        return entry

    def check_time(self) -> None:
        """Raises OutOfTime if nothing may be begun any more."""
        if self._runtime.clock.now() >= self._stop_at:
            raise OutOfTime

    def _settle(self, change: Change, entry: LedgerEntry, use: HookUse) -> Run[LedgerEntry]:
        pause = self._pause(entry, use.function)
        # After that: an answer may be long in coming, and the lease be over.
        self._check_time(entry)
        if pause:
            return self._aside.wait(entry, use.hook, "paused", PAUSED_WAIT, pause.reason)
        if entry.outcomes[use.hook].status == "unknown":
            entry = self._after_cut_off(change, entry, use)
            if entry.outcomes[use.hook].status != "owed":
                return entry
        rest_seconds = 0.0
        for waits_left in reversed(range(WAITS_IN_PLACE + 1)):
            before = entry.outcomes[use.hook].attempts
            ran = yield from self._run(change, entry, use, rest_seconds)
            if ran is None:
                return self._out_of_time(entry, use)
            entry = entry.with_outcome(use.hook, ran.outcome)
            self.delivered.effects_failed += ran.outcome.attempts - before - (ran.failure is None)
            if ran.failure is None:
                return self._done(change, entry, use, ran)
            entry, rest_seconds = self._failed(change, entry, use, ran, waits_left)
            if entry.outcomes[use.hook].status != "owed":
                return entry
        raise AssertionError("the last failure settles it, or puts it aside")

    def _run(self, change: Change, entry: LedgerEntry, use: HookUse, rest_seconds: float) -> Run[Ran | None]:
        outcome, size = entry.outcomes[use.hook], batch_size(self._runtime, use)
        if not size:
            if rest_seconds:
                self._runtime.clock.sleep(rest_seconds)
            return run_hook(self._runtime, change, use, outcome)
        return (yield from attempt_together(Claimed(change, use, outcome, rest_seconds=rest_seconds), size))

    def _out_of_time(self, entry: LedgerEntry, use: HookUse) -> LedgerEntry:
        """Lets go of what waited for others in vain; raises OutOfTime, unless it has failed already: what was attempted
        counts, or nobody would ever hear of it."""
        outcome = entry.outcomes[use.hook]
        if not outcome.error:
            self._release(entry)
            raise OutOfTime
        failed = entry.with_outcome(use.hook, outcome._replace(status="failed"))
        return self._aside.wait(failed, use.hook, "retry", timedelta(0), outcome.error)

    def _pause(self, entry: LedgerEntry, hook: str) -> Pause | None:
        try:
            return self._paused.now().get(hook)
        except Retryable:
            self._release(entry)
            raise

    def _check_time(self, entry: LedgerEntry) -> None:
        try:
            self.check_time()
        except OutOfTime:
            self._release(entry)
            raise

    def _release(self, entry: LedgerEntry) -> None:
        try:
            self.claims.release(entry)
        except Retryable as error:
            log.warning("the lease of %s stays until it is over: %s", entry, error)

    def _after_cut_off(self, change: Change, entry: LedgerEntry, use: HookUse) -> LedgerEntry:
        """What the hook's `on_unknown` makes of a run that was cut off: owed again, settled, or put aside."""
        outcome = entry.outcomes[use.hook]
        verified = self._verified(change, entry, use) if use.on_unknown == "verify" else None
        if verified is not None:
            return verified
        if use.on_unknown == "verify" and is_spent(use, outcome):
            error = "every attempt was cut off; its probe says that it has not happened"
            return self._aside.for_person(entry, use.hook, "attempts", error)
        if use.on_unknown == "park" or is_spent(use, outcome):
            error = "a run was cut off; nobody knows whether it happened"
            return self._aside.for_person(entry, use.hook, "unknown", error)
        if entry.parked is None and outcome.attempts - outcome.forgiven >= _CUT_OFF_IN_PLACE:
            return self._aside.wait_for_next_attempt(entry, use, "a run was cut off again")
        return entry.with_outcome(use.hook, outcome._replace(status="owed"))

    def _verified(self, change: Change, entry: LedgerEntry, use: HookUse) -> LedgerEntry | None:
        """What the hook's probe makes of it; None if it says that the run has not happened."""
        outcome = entry.outcomes[use.hook]
        happened, failure = ask_probe(self._runtime, change, use, outcome)
        if failure and is_spent(use, outcome):
            return self._aside.for_person(entry, use.hook, "unknown", failure.error, failure.trace)
        if failure:
            counted = entry.with_outcome(use.hook, outcome._replace(attempts=outcome.attempts + 1))
            return self._aside.wait_for_next_attempt(counted, use, failure.error)
        if happened is None:
            return None
        done = outcome._replace(
            status="done",
            at=self._runtime.clock.now(),
            error="",
            earlier=outcome.attempts_failed,
            note="its probe says it had happened",
            undo=use.undo.hook if use.undo else outcome.undo,
        )
        return self._done(change, entry.with_outcome(use.hook, done), use, Ran(done, happened))

    def _done(self, change: Change, entry: LedgerEntry, use: HookUse, ran: Ran) -> LedgerEntry:
        if use.then:
            entry = self._leading_on.then(change, entry, use, ran)
        else:
            self.claims.commit(entry, use.hook)
        self.delivered.effects_done += entry.outcomes[use.hook].settled
        return entry

    def _failed(
        self, change: Change, entry: LedgerEntry, use: HookUse, ran: Ran, waits_left: int
    ) -> tuple[LedgerEntry, float]:
        """The entry as it stands then; if its effect is owed again, also after how many seconds."""
        assert ran.failure is not None
        clock = self._runtime.clock
        following = after_failure(use, ran.failure.raised, ran.outcome, clock.jitter(), is_own=not ran.shared_by)
        if following.what == "catch":
            return self._leading_on.caught(change, entry, use, ran, following.trigger), 0.0
        if following.what == "person":
            failure = ran.failure
            return self._aside.for_person(entry, use.hook, following.why, failure.error, failure.trace), 0.0
        wait = timedelta(seconds=following.seconds)
        in_place = following.seconds <= LONGEST_WAIT_IN_PLACE_SECONDS and clock.now() + wait < self._stop_at
        if waits_left and in_place:
            return entry.with_outcome(use.hook, ran.outcome._replace(status="owed")), following.seconds
        return self._aside.wait(entry, use.hook, "retry", wait, ran.failure.error), 0.0
