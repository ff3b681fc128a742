"""Deliver: from a change that the stream brought to every effect it owes run, once committed, in version order."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from workflow.errors import LeaseLostError, Retryable, WorkflowError
from workflow.runtime.again import again
from workflow.runtime.changes import Change, edited_away, find_violation, is_of, owed_by
from workflow.runtime.effect import Effect
from workflow.runtime.hooks import refuse_awaitable
from workflow.runtime.missed import HistoryViolationError, missed_steps
from workflow.runtime.ports import OWED, LedgerEntry, Outcome, Violation
from workflow.runtime.redact import bare_trace, redacted_error, redacted_trace
from workflow.runtime.runtime import Runtime

log = logging.getLogger("workflow")

_LEASE_MARGIN = timedelta(seconds=5)
"""How long a lease outlasts the invocation that took it: the clocks of two machines differ a little."""


_LONGEST_RESERVE = timedelta(seconds=3)
_RESERVE_SHARE = 10
"""Nothing is begun in the last tenth of an invocation, or its last three seconds: what is left comes again."""

_COMMITS = 5
_MILLISECOND = timedelta(milliseconds=1)


@dataclass(slots=True)
class Delivered:
    """What became of the changes: those that must come again, and how many effects and violations there were."""

    failed: list[Change] = field(default_factory=list)
    effects_done: int = 0
    effects_failed: int = 0
    violations: int = 0

    def add(self, other: Delivered) -> None:
        """Adds what another thread delivered."""
        self.failed += other.failed
        self.effects_done += other.effects_done
        self.effects_failed += other.effects_failed
        self.violations += other.violations


class _EffectFailed(Exception):  # noqa: N818 - a signal inside this module, told to nobody
    """Ends the delivery of one entity for this time; what went wrong is in the ledger and the log."""


class _OutOfTime(Exception):  # noqa: N818 - a signal inside this module, told to nobody
    """Ends the delivery of what is left of a batch, before the process may be stopped."""


class Deliverer:
    """Delivers changes on a pool of threads: different entities side by side, each entity in version order."""

    def __init__(self, runtime: Runtime, *, workers: int = 16) -> None:
        self._runtime = runtime
        self._workers = workers
        self._pool = ThreadPoolExecutor(max_workers=workers, thread_name_prefix="effects")

    def deliver(self, changes: Sequence[Change], *, until: datetime) -> Delivered:
        """Runs what the changes owe and returns what must come again; `until` is when this process may be stopped.

        Never raises for what one entity does: its failure is logged, and its later changes wait behind it.
        """
        entities: dict[tuple[str, str], list[Change]] = {}
        for change in changes:
            entities.setdefault((change.kind, change.entity_id), []).append(change)
        waiting = deque(entities.values())
        owner = self._runtime.clock.new_id()
        stop_at = until - min(_LONGEST_RESERVE, (until - self._runtime.clock.now()) / _RESERVE_SHARE)

        hired: list[Future[Delivered]] = []
        most = min(self._workers, len(entities)) - 1

        def work() -> Delivered:
            # Each hires the next one: threads come as fast as hooks wait for something, and hardly any while none does.
            if waiting and len(hired) < most:
                hired.append(self._pool.submit(work))
            delivery = _EntityDelivery(self._runtime, owner, until, stop_at)
            while True:
                try:
                    own = waiting.popleft()
                except IndexError:
                    return delivery.delivered
                delivery.run(own)

        delivered = work()
        # Whoever is still at work may hire one more, which then stands at the end of the list.
        for other in hired:
            delivered.add(other.result())
        return delivered


class _EntityDelivery:
    """Delivers the changes of one entity after another, each entity's in order, until one fails."""

    def __init__(self, runtime: Runtime, owner: str, until: datetime, stop_at: datetime) -> None:
        self._runtime, self._owner, self._stop_at = runtime, owner, stop_at
        self._lease_until = until + _LEASE_MARGIN
        self.delivered = Delivered()

    def run(self, changes: list[Change]) -> None:
        for index, change in enumerate(changes):
            try:
                self._deliver(change)
            except _EffectFailed:
                pass
            except _OutOfTime:
                log.info("%s comes again: the time of this delivery is up", change)
            except WorkflowError as error:
                log.warning("%s is not delivered yet: %s", change, error)
            except Exception as error:
                # Whatever it is, it must not take the other entities of the batch with it.
                log.error("%s is not delivered yet: %s", change, bare_trace(error))
            else:
                continue
            self.delivered.failed += changes[index:]
            return

    def _deliver(self, change: Change) -> None:
        if change.owed is not None:
            self._run_effects(change, change.owed)
            return
        violation = find_violation(change, self._runtime.definitions)
        if violation:
            self._check_history(change)
            self._record(change, violation)
        elif change.version > change.before_version + 1:
            self._deliver_history(change)
        else:
            self._run_effects(change, owed_by(self._runtime.definitions, change) or ())

    def _check_history(self, change: Change) -> None:
        """What the history holds was no raw write, whatever the definition says today."""
        if change.gone or change.version != change.before_version + 1:
            return
        event = self._runtime.store.find_event(change.kind, change.entity_id, change.version)
        if event is not None and is_of(change, event):
            raise edited_away(change)

    def _deliver_history(self, change: Change) -> None:
        store = self._runtime.store
        if store.find_event(change.kind, change.entity_id, change.version) is None:
            # Asked first: a version somebody made up may be millions away.
            self._record(
                change,
                f"the entity is at version {change.version}, its history has no event {change.version}",
            )
            return
        steps = change.version - change.before_version
        events = store.events(change.kind, change.entity_id, after=change.before_version, limit=steps)
        try:
            missed = missed_steps(change, list(events), self._runtime.definitions)
        except HistoryViolationError as error:
            self._record(change, str(error))
            return
        for step in missed:
            self._run_effects(step, step.owed or ())

    def _run_effects(self, change: Change, hooks: Sequence[str]) -> None:
        if not hooks:
            return
        claim = LedgerEntry(
            change.kind,
            change.entity_id,
            change.version,
            self._owner,
            self._lease_until,
            dict.fromkeys(hooks, OWED),
        )
        clock = self._runtime.clock
        entry = self._runtime.ledger.claim(claim, self._in_time(clock.now()))
        now = clock.now()
        try:
            for hook, outcome in entry.outcomes.items():
                if outcome.status != "done":
                    effect = Effect(change, hook, outcome.attempts + 1, self._runtime)
                    now = self._run_effect(entry, effect, self._in_time(now))
        except _OutOfTime:
            self._release(entry, now)
            raise

    def _release(self, entry: LedgerEntry, now: datetime) -> None:
        """Lets the next delivery take over at once; if that fails, it waits until the lease is over."""
        try:
            self._runtime.ledger.release(entry, now)
        except Retryable as error:
            log.warning("the lease of %s %s stays until it is over: %s", entry.kind, entry.entity_id, error)

    def _in_time(self, now: datetime) -> datetime:
        if now >= self._stop_at:
            raise _OutOfTime
        return now

    def _run_effect(self, entry: LedgerEntry, effect: Effect, started: datetime) -> datetime:
        """Runs and commits one effect; returns when it ended, or raises _EffectFailed."""
        error = ""
        try:
            refuse_awaitable(self._runtime.hooks[effect.hook](effect))
        except KeyboardInterrupt:
            raise
        except BaseException as failure:
            # SystemExit and its like too: a hook that leaves must not take the batch with it.
            error = self._told(effect, failure)
        ended = self._runtime.clock.now()
        took_ms = (ended - started) // _MILLISECOND
        outcome = Outcome("failed" if error else "done", effect.attempt, ended, took_ms, error)
        self._commit(entry, effect.hook, outcome)
        if error:
            self.delivered.effects_failed += 1
            raise _EffectFailed
        self.delivered.effects_done += 1
        return ended

    def _commit(self, entry: LedgerEntry, hook: str, outcome: Outcome) -> None:
        """Tries again, since a hook that ran would run again. Writing one outcome twice is writing it once."""
        commit = self._runtime.ledger.commit
        again(self._runtime.clock, _COMMITS, lambda: commit(entry, hook, outcome), final=(LeaseLostError,))

    def _told(self, effect: Effect, failure: BaseException) -> str:
        """Logs the failure of a hook, and returns it in one line; neither quotes a sensitive value."""
        try:
            secrets = self._runtime.secrets(effect.kind, *effect.values_read())
        except Exception:
            trace = error = bare_trace(failure)
        else:
            trace, error = redacted_trace(failure, secrets), redacted_error(failure, secrets)
        log.error("effect %s failed (attempt %d): %s", effect.key, effect.attempt, trace)
        return error

    def _record(self, change: Change, reason: str) -> None:
        log.error("violation: %s: %s", change, reason)
        self._runtime.store.record_violation(
            Violation(
                kind=change.kind,
                entity_id=change.entity_id,
                position=change.position,
                at=self._runtime.clock.now(),
                reason=reason,
                source=change.source,
                target=change.target,
                before_version=change.before_version,
                version=change.version,
            )
        )
        self.delivered.violations += 1
