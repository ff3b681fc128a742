"""Delivering the changes of one entity that a stream brought, in version order, behind all that came before them."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import timedelta

from workflow.errors import DefinitionNotDeployedError, HistoryConflictError, WorkflowError
from workflow.runtime.changes import Change, edited_away, find_violation, is_of, known_owed, owed_by
from workflow.runtime.gathering import Course, Run
from workflow.runtime.ledger_entry import Why
from workflow.runtime.missed import HistoryViolationError, missed_steps
from workflow.runtime.ports import Violation
from workflow.runtime.redact import bare_trace
from workflow.runtime.run_effects import EffectRunner, OutOfTime
from workflow.runtime.runtime import Runtime
from workflow.runtime.settled import SettledVersions
from workflow.runtime.steps import UNDEPLOYED_WAIT, Steps

log = logging.getLogger("workflow")


class EntityDelivery:
    """Delivers the changes of one entity after another, each entity's in order.

    An entity that is put aside holds nobody up: its changes count as delivered, and its effects wait in the ledger.
    """

    def __init__(self, runtime: Runtime, runner: EffectRunner, known: SettledVersions) -> None:
        self._runtime, self._runner, self._known = runtime, runner, known
        self.delivered = runner.delivered
        self._settled = 0
        self._aside = False

    def run(self, changes: list[Change]) -> Course:
        """Delivers all of them, or notes from which one on they must come again; never raises."""
        self._settled, self._aside = self._known.before(changes[0]), False
        yield from self._deliver_all(changes)
        if len({change.created for change in changes}) == 1:
            self._known.keep(changes[0], self._settled)

    def _deliver_all(self, changes: list[Change]) -> Course:
        created = changes[0].created
        for index, change in enumerate(changes):
            if change.created != created:
                # Deleted by hand, and perhaps made anew: what was settled was another one's.
                created, self._settled = change.created, 0
            try:
                yield from self._deliver(change)
            except OutOfTime:
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

    def _deliver(self, change: Change) -> Course:
        try:
            yield from self._deliver_deployed(change)
        except DefinitionNotDeployedError as error:
            yield from self._put_aside(change, "definition", UNDEPLOYED_WAIT, str(error))
        except HistoryConflictError as error:
            # Coming again would mend nothing, and the rest of the stream must not wait for it.
            yield from self._deliver_broken(change._replace(broken=str(error), follows=_owing(change)))

    def _put_aside(self, change: Change, why: Why, wait: timedelta | None, error: str) -> Course:
        if not self._aside and (yield from self._is_next(change)):
            if self._runner.claims.keep_unread(change, why, wait, error):
                # It was delivered before, when it could be read.
                self._settled = change.version
                return
            log.warning("%s is put aside: %s", change, error)
        self._aside = True
        self.delivered.waiting += 1

    def _deliver_deployed(self, change: Change) -> Course:
        if change.owed is not None:
            yield from self._run_effects(change, change.owed)
            return
        if change.broken:
            yield from self._deliver_broken(change)
            return
        violation = find_violation(change, self._runtime.definitions)
        if violation:
            self._check_history(change)
            self._record(change, violation)
        elif change.version > change.before_version + 1:
            yield from self._deliver_history(change)
        else:
            # A definition that took the place of the event's own may ask for hooks that the event never owed.
            owed = owed_by(self._runtime.definitions, change) if _owes(change) else ()
            yield from self._run_effects(change, owed or ())

    def _deliver_broken(self, change: Change) -> Course:
        self._record(change, f"its history cannot be read: {change.broken}")
        # What can be read of what is owed up to here runs, and the rest is put aside.
        if self._aside or not (yield from self._is_next(change)):
            self._aside = True
            self.delivered.waiting += 1

    def _check_history(self, change: Change) -> None:
        """What the history holds was no raw write, whatever the definition says today."""
        if change.gone or change.version != change.before_version + 1:
            return
        event = self._runtime.store.find_event(change.kind, change.entity_id, change.version)
        if event is not None and is_of(change, event):
            raise edited_away(change)

    def _deliver_history(self, change: Change) -> Course:
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
            missed = missed_steps(change, list(events))
        except HistoryViolationError as error:
            self._record(change, str(error))
            return
        for step in missed:
            yield from self._deliver_step(step)

    def _deliver_step(self, step: Change) -> Course:
        try:
            yield from self._run_effects(step, known_owed(self._runtime.definitions, step))
        except DefinitionNotDeployedError as error:
            yield from self._put_aside(step, "definition", UNDEPLOYED_WAIT, str(error))

    def _run_effects(self, change: Change, hooks: Sequence[str]) -> Course:
        if not hooks:
            return
        if self._aside or not (yield from self._is_next(change)):
            self._aside = True
            self.delivered.waiting += 1
        elif (yield from self._runner.run(change, hooks)):
            self._settled = change.version
        else:
            self._aside = True

    def _is_next(self, change: Change) -> Run[bool]:
        """Whether everything that came before is settled; runs first what the stream did not bring."""
        if change.follows <= self._settled:
            return True
        entry = self._runtime.ledger.find(change.kind, change.entity_id, change.follows)
        if entry is not None and (entry.settled or entry.parked):
            return entry.settled
        steps = Steps(self._runtime, change.kind, change.entity_id, 1)
        try:
            return (yield from self._catch_up(change, steps))
        except HistoryConflictError as error:
            # Nothing that time could mend, and the rest of the stream must not wait for it. Put aside at the first open
            # event from where the history breaks off: all before is settled, and what comes after waits behind it.
            log.error("%s waits for a person: %s", change, error)
            self.delivered.for_people[change.kind, ""] += 1
            settled = self._settled_versions(change)
            open_versions = (v for v in range(steps.next_version, _end(change)) if v not in settled)
            broken = change._replace(version=next(open_versions, change.version))
            return self._runner.claims.keep_unread(broken, "broken", None, str(error))

    def _catch_up(self, change: Change, steps: Steps) -> Run[bool]:
        log.warning("%s: effects of earlier versions were not delivered, and run first", change)
        settled = self._settled_versions(change)
        for step in steps.to_the_end():
            if step.version >= _end(change):
                break
            if step.version not in settled and not (yield from self._run_missed(step)):
                return False
        steps.check_reaches(change.follows)
        return True

    def _settled_versions(self, change: Change) -> set[int]:
        entries = self._runtime.ledger.entries(change.kind, change.entity_id)
        return {entry.version for entry in entries if entry.settled}

    def _run_missed(self, step: Change) -> Run[bool]:
        try:
            owed = known_owed(self._runtime.definitions, step)
        except DefinitionNotDeployedError as error:
            return self._runner.claims.keep_unread(step, "definition", UNDEPLOYED_WAIT, str(error))
        return not owed or (yield from self._runner.run(step, owed))

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


def _end(change: Change) -> int:
    """The version below which all must be settled first: where the history is broken, its own effects as well."""
    return change.version + 1 if change.broken else change.version


def _owes(change: Change) -> bool:
    return _owing(change) == change.version


def _owing(change: Change) -> int:
    """The last version up to the change that owes effects; its own if nobody can tell."""
    try:
        return change.snapshots.after().owing
    except HistoryConflictError:
        return change.version
