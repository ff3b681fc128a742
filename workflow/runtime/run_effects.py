"""Running the effects of one event, in order, until all are settled or the entity is put aside."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from workflow.definition.definition import HookUse
from workflow.errors import HookNotRegisteredError, LeaseLostError, Refused, Retryable, TransitionError
from workflow.runtime.ask import Ask
from workflow.runtime.changes import Change, use_of
from workflow.runtime.claims import Claims
from workflow.runtime.delivered import Delivered
from workflow.runtime.effect import Effect
from workflow.runtime.hooks import refuse_awaitable
from workflow.runtime.ledger_entry import LedgerEntry, Outcome, Parked, Settlement, Why
from workflow.runtime.ports import Pause
from workflow.runtime.redact import bare_trace, redacted_error, redacted_trace
from workflow.runtime.retries import (
    DEFAULT_RETRY,
    LONGEST_WAIT_IN_PLACE_SECONDS,
    WAITS_IN_PLACE,
    after_failure,
    is_spent,
    wait_seconds,
)
from workflow.runtime.runtime import Runtime

log = logging.getLogger("workflow")

PAUSED_WAIT = timedelta(minutes=10)
"""How long what a pause put aside waits before it looks again by itself; `resume` makes it due at once."""

_CUT_OFF_IN_PLACE = 2
"""A run that was cut off so often is left to the sweeper: it may be what ends the process."""

_MILLISECOND = timedelta(milliseconds=1)


class OutOfTime(Exception):  # noqa: N818 - a signal inside this floor, told to nobody
    """Ends a delivery before the process may be stopped; what is left comes again."""


class _Ran(NamedTuple):
    """How one run of a hook ended."""

    outcome: Outcome
    payload: Mapping[str, object]
    failure: BaseException | None = None
    trace: str = ""


class EffectRunner:
    """Runs effects for one owner. `stop_at`: nothing is begun after that moment."""

    def __init__(
        self,
        runtime: Runtime,
        owner: str,
        lease_until: datetime,
        stop_at: datetime,
        paused: Mapping[str, Pause],
        delivered: Delivered,
    ) -> None:
        self._runtime, self._owner, self._stop_at = runtime, owner, stop_at
        self._paused = paused
        self.delivered = delivered
        self.claims = Claims(runtime.ledger, runtime.clock, owner, lease_until)

    def run(self, change: Change, hooks: Sequence[str]) -> bool:
        """Runs what the change owes; whether it is settled, and what comes later may go on.

        Raises ClaimError while another owner is at it, OutOfTime, and what the ledger raises.
        """
        self.check_time()
        entry = self.claims.claim(change, tuple(hooks))
        return entry is not None and self.settle(change, entry).settled

    def settle(self, change: Change, entry: LedgerEntry) -> LedgerEntry:
        """Runs what is open of effects that this owner has claimed, and returns how they stand then: settled, or put
        aside."""
        for hook in entry.outcomes:
            if not entry.outcomes[hook].settled:
                entry = self._settle(change, entry, use_of(self._runtime.definitions, change, hook))
                if not entry.outcomes[hook].settled:
                    break
        return entry

    def check_time(self) -> None:
        """Raises OutOfTime if nothing may be begun any more."""
        if self._runtime.clock.now() >= self._stop_at:
            raise OutOfTime

    def _settle(self, change: Change, entry: LedgerEntry, use: HookUse) -> LedgerEntry:
        self._check_time(entry)
        if use.hook in self._paused:
            return self._put_aside(entry, use.hook, "paused", PAUSED_WAIT, self._paused[use.hook].reason, begun=False)
        if entry.outcomes[use.hook].status == "unknown":
            entry = self._after_cut_off(change, entry, use)
            outcome = entry.outcomes[use.hook]
            if outcome.settled or outcome.status != "owed":
                return entry
        for waits_left in reversed(range(WAITS_IN_PLACE + 1)):
            ran = self._run(change, entry.outcomes[use.hook], use)
            entry = entry.with_outcome(use.hook, ran.outcome)
            if ran.failure is None:
                return self._done(change, entry, use, ran.payload)
            entry = self._failed(change, entry, use, ran, waits_left)
            if entry.outcomes[use.hook].status != "owed":
                return entry
        raise AssertionError("the last failure settles it, or puts it aside")

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

    def _run(self, change: Change, outcome: Outcome, use: HookUse) -> _Ran:
        effect = Effect(change, use.hook, outcome.attempts + 1, self._runtime)
        started = self._runtime.clock.now()
        failure: BaseException | None = None
        payload: Mapping[str, object] = {}
        try:
            payload = _payload(use, self._runtime.hooks[use.hook](effect))
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            # SystemExit and its like too: a hook that leaves must not take the batch with it.
            failure = error
        return self._ran(effect, outcome, started, payload, failure)

    def _ran(
        self,
        effect: Effect,
        outcome: Outcome,
        started: datetime,
        payload: Mapping[str, object],
        failure: BaseException | None,
    ) -> _Ran:
        ended = self._runtime.clock.now()
        took_ms = (ended - started) // _MILLISECOND
        if failure is None:
            return _Ran(outcome.ended("done", ended, took_ms), payload)
        self.delivered.effects_failed += 1
        error, trace = self._told(effect, failure)
        return _Ran(outcome.ended("failed", ended, took_ms, error), payload, failure, trace)

    def _done(self, change: Change, entry: LedgerEntry, use: HookUse, payload: Mapping[str, object]) -> LedgerEntry:
        if use.then:
            try:
                self._fire(change, entry, use, use.then, payload)
            except TransitionError as refusal:
                # It has moved on, or may not yet: the effect is done all the same, and the ledger says the rest.
                outcome = entry.outcomes[use.hook]._replace(note=f"then {use.then!r} was refused: {refusal}")
                self.claims.commit(entry := entry.with_outcome(use.hook, outcome), use.hook)
            except Refused as refusal:
                return self._person(entry, use.hook, "refused", f"then {use.then!r} was refused: {refusal}")
            except LeaseLostError:
                raise
            except Retryable as error:
                return self._not_committed(entry, use, f"then {use.then!r} was not recorded: {error}")
        else:
            self.claims.commit(entry, use.hook)
        self.delivered.effects_done += 1
        return entry

    def _failed(self, change: Change, entry: LedgerEntry, use: HookUse, ran: _Ran, waits_left: int) -> LedgerEntry:
        assert ran.failure is not None
        clock = self._runtime.clock
        following = after_failure(use, ran.failure, ran.outcome, clock.jitter())
        if following.what == "catch":
            return self._caught(change, entry, use, ran, following.trigger)
        if following.what == "person":
            return self._person(entry, use.hook, following.why, ran.outcome.error, ran.trace)
        wait = timedelta(seconds=following.seconds)
        in_place = following.seconds <= LONGEST_WAIT_IN_PLACE_SECONDS and clock.now() + wait < self._stop_at
        if waits_left and in_place:
            clock.sleep(following.seconds)
            return entry.with_outcome(use.hook, ran.outcome._replace(status="owed"))
        return self._put_aside(entry, use.hook, "retry", wait, ran.outcome.error)

    def _caught(self, change: Change, entry: LedgerEntry, use: HookUse, ran: _Ran, trigger: str) -> LedgerEntry:
        caught = entry.with_outcome(use.hook, ran.outcome._replace(status="caught", note=f"caught by {trigger!r}"))
        try:
            self._fire(change, caught, use, trigger, self._error_payload(change, trigger, ran.outcome.error))
        except Refused as refusal:
            error = f"{ran.outcome.error}; catch {trigger!r} was refused: {refusal}"
            return self._person(entry, use.hook, "refused", error, ran.trace)
        except LeaseLostError:
            raise
        except Retryable as error:
            return self._not_committed(entry, use, f"catch {trigger!r} was not recorded: {error}")
        return caught

    def _not_committed(self, entry: LedgerEntry, use: HookUse, error: str) -> LedgerEntry:
        """The hook ran, its outcome cannot be written with its transition: all of it again later, under its key."""
        outcome = entry.outcomes[use.hook]._replace(status="failed", error=error)
        entry = entry.with_outcome(use.hook, outcome)
        if is_spent(use, outcome):
            return self._person(entry, use.hook, "attempts", error)
        wait = wait_seconds(use.retry or DEFAULT_RETRY, outcome) * self._runtime.clock.jitter()
        return self._put_aside(entry, use.hook, "retry", timedelta(seconds=wait), error)

    def _error_payload(self, change: Change, trigger: str, error: str) -> dict[str, object]:
        definition = self._runtime.get_definition(change.kind)
        takes_error = any("error" in t.requires for t in definition.transitions if t.trigger == trigger)
        return {"error": error} if takes_error else {}

    def _fire(
        self, change: Change, after: LedgerEntry, use: HookUse, trigger: str, payload: Mapping[str, object]
    ) -> None:
        """The transition and the outcome in one transaction; raises what firing raises, or LeaseLostError."""
        # Most deliveries never fire: what deciding needs is imported when one does.
        from workflow.runtime.fire import fire

        entity = change.snapshots.after()
        effect = Effect(change, use.hook, after.outcomes[use.hook].attempts, self._runtime)
        ask = Ask(
            change.kind,
            change.entity_id,
            trigger,
            payload,
            by=f"hook:{use.hook}",
            held=entity,
            cause=effect.key,
            depth=entity.depth + 1,
            settles=Settlement(self._owner, after, use.hook),
        )
        try:
            fire(self._runtime, ask)
        except Retryable:
            if not self.claims.stands(after):
                raise

    def _after_cut_off(self, change: Change, entry: LedgerEntry, use: HookUse) -> LedgerEntry:
        """What the hook's `on_unknown` makes of a run that was cut off: owed again, settled, or put aside."""
        outcome = entry.outcomes[use.hook]
        caring = entry.parked is not None
        if use.on_unknown == "verify":
            return self._verified(change, entry, use)
        if use.on_unknown == "park" or is_spent(use, outcome):
            return self._person(entry, use.hook, "unknown", "a run was cut off; nobody knows whether it happened")
        if not caring and outcome.attempts - outcome.forgiven >= _CUT_OFF_IN_PLACE:
            return self._wait(entry, use, "a run was cut off again")
        return entry.with_outcome(use.hook, outcome._replace(status="owed"))

    def _verified(self, change: Change, entry: LedgerEntry, use: HookUse) -> LedgerEntry:
        outcome = entry.outcomes[use.hook]
        effect = Effect(change, use.hook, max(1, outcome.attempts), self._runtime)
        try:
            probe = self._runtime.hooks.probes.get(use.hook)
            if probe is None:
                raise HookNotRegisteredError(f"no handler module registers a probe of {use.hook!r}")
            happened = probe(effect)
            refuse_awaitable(happened)
        except KeyboardInterrupt:
            raise
        except BaseException as failure:
            error, trace = self._told(effect, failure)
            if is_spent(use, outcome):
                return self._person(entry, use.hook, "unknown", error, trace)
            counted = outcome._replace(attempts=outcome.attempts + 1)
            return self._wait(entry.with_outcome(use.hook, counted), use, error)
        if not happened:
            return entry.with_outcome(use.hook, outcome._replace(status="owed"))
        done = outcome._replace(status="done", at=self._runtime.clock.now(), note="its probe says it had happened")
        return self._done(change, entry.with_outcome(use.hook, done), use, {})

    def _wait(self, entry: LedgerEntry, use: HookUse, error: str) -> LedgerEntry:
        seconds = wait_seconds(use.retry or DEFAULT_RETRY, entry.outcomes[use.hook]) * self._runtime.clock.jitter()
        return self._put_aside(entry, use.hook, "retry", timedelta(seconds=seconds), error, begun=False)

    def _put_aside(
        self, entry: LedgerEntry, hook: str, why: Why, wait: timedelta, error: str, *, begun: bool = True
    ) -> LedgerEntry:
        now = self._runtime.clock.now()
        parked = Parked(hook, why, entry.parked.since if entry.parked else now, now + wait, error)
        self.delivered.put_aside += 1
        return self.claims.put_aside(entry, hook, parked, begun=begun)

    def _person(self, entry: LedgerEntry, hook: str, why: Why, error: str, trace: str = "") -> LedgerEntry:
        now = self._runtime.clock.now()
        parked = Parked(hook, why, entry.parked.since if entry.parked else now, None, error)
        outcome = entry.outcomes[hook]._replace(status="parked", error=error, trace=trace, at=now)
        after = self.claims.put_aside(entry.with_outcome(hook, outcome), hook, parked)
        self.delivered.for_people[entry.kind, hook] += 1
        log.error("%s wait for a person at %r (%s): %s", entry, hook, why, error)
        return after

    def _told(self, effect: Effect, failure: BaseException) -> tuple[str, str]:
        """Logs the failure of a hook, and returns it in one line and with its trace; neither quotes a secret."""
        try:
            secrets = self._runtime.secrets(effect.kind, *effect.values_read())
        except Exception:
            trace = error = bare_trace(failure)
        else:
            trace, error = redacted_trace(failure, secrets), redacted_error(failure, secrets)
        log.error("effect %s failed (attempt %d): %s", effect.key, effect.attempt, trace)
        return error, trace


def _payload(use: HookUse, returned: object) -> Mapping[str, object]:
    """What a hook returned, where `then` fires with it."""
    refuse_awaitable(returned)
    if not use.then or returned is None:
        return {}
    if not isinstance(returned, Mapping):
        raise TypeError(f"a hook with `then` returns a map for the payload, or None, not {type(returned).__name__}")
    return returned
