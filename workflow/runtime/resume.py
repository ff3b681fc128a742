"""Resume: an entity that was put aside goes on, at the event where it stopped and with all that waits behind it."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from workflow.errors import ClaimError, DefinitionNotDeployedError, HistoryConflictError
from workflow.runtime.changes import Change, known_owed
from workflow.runtime.gathering import Course
from workflow.runtime.home import check_home_of
from workflow.runtime.ledger_entry import LedgerEntry, Parked, Why
from workflow.runtime.run_effects import EffectRunner
from workflow.runtime.runtime import Runtime
from workflow.runtime.steps import UNDEPLOYED_WAIT, Steps

log = logging.getLogger("workflow")


class Resumption:
    """Takes up entities that were put aside. Until an entity is through, one of its ledger entries is due at every
    moment: if this process dies, a later sweep goes on from there."""

    def __init__(self, runtime: Runtime, runner: EffectRunner) -> None:
        self._runtime, self._runner, self._claims = runtime, runner, runner.claims
        self.delivered = runner.delivered

    def check_time(self) -> None:
        """Raises OutOfTime if nothing may be begun any more."""
        self._runner.check_time()

    def resume(self, kind: str, entity_id: str, version: int) -> Course:
        """Runs what is owed of the version, if it is put aside and due, and then of all later ones; nothing if
        somebody else is at it. Raises OutOfTime, HomeRegionError, and what store and ledger raise."""
        self.check_time()
        found = self._runtime.ledger.find(kind, entity_id, version)
        if found is None or not _is_due(found, self._runtime.clock.now()):
            return
        # Its home may have been moved, and not all that waited for it here.
        check_home_of(self._runtime, kind, entity_id)
        self._at = found
        try:
            yield from self._go_on(found, Steps(self._runtime, kind, entity_id, version))
        except HistoryConflictError as error:
            # Nothing that time could mend: the history was changed by hand.
            self._leave_to_person(found, str(error))

    def _leave_to_person(self, found: LedgerEntry, error: str) -> None:
        log.error("%s wait for a person: %s", self._at, error)
        standing = self._runtime.ledger.find(*self._at[:3])
        if standing is not None and (standing == found or self._claims.hold(standing)):
            self._park(standing, "broken", None, error)
            self.delivered.for_people[standing.kind, ""] += 1

    def _go_on(self, found: LedgerEntry, steps: Steps) -> Course:
        at = found
        for step in steps.to_the_end():
            try:
                taken = self._take(at, step, known_owed(self._runtime.definitions, step))
            except DefinitionNotDeployedError as error:
                self._wait_for_definition(at, step, str(error))
                return
            except ClaimError:
                self._stay_due(at)
                return
            if taken is None:
                break
            if taken is not at:
                self._at = taken
                at = yield from self._runner.settle(step, taken)
            if not at.settled:
                return
        if self._claims.hold(at):
            self._claims.let_go(at)

    def _stay_due(self, at: LedgerEntry) -> None:
        """Somebody else is at what comes next. They may die, and the stream need not bring it again."""
        if self._claims.hold(at):
            self._claims.release(at)

    def _take(self, at: LedgerEntry, step: Change, owed: tuple[str, ...]) -> LedgerEntry | None:
        """The step's effects taken, and those before it let go; `at` if the step owes nothing that is open; None if
        somebody else will deliver it."""
        if step.version == at.version:
            return self._claims.take(at, owed, caring=True)
        if not owed:
            return at
        taken = self._claims.claim(step, owed, caring=True)
        if taken is None:
            return None
        if not self._claims.hold(taken):
            # Settled by somebody else; what waits behind it is still our care.
            return at
        self._claims.let_go(at)
        return taken

    def _wait_for_definition(self, at: LedgerEntry, step: Change, error: str) -> None:
        log.warning("%s is put aside: %s", step, error)
        if step.version == at.version:
            self._park(at, "definition", UNDEPLOYED_WAIT, error)
            return
        self._claims.keep_unread(step, "definition", UNDEPLOYED_WAIT, error)
        self._claims.let_go(at)

    def _park(self, found: LedgerEntry, why: Why, wait: timedelta | None, error: str) -> None:
        now = self._runtime.clock.now()
        since = found.parked.since if found.parked else now
        parked = Parked("", why, since, now + wait if wait else None, error)
        self._runtime.ledger.put(found._replace(lease_until=now, parked=parked), found)


def _is_due(found: LedgerEntry, now: datetime) -> bool:
    next_at = found.parked.next_at if found.parked else None
    return next_at is not None and next_at <= now and not found.is_held(now)
