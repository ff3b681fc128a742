"""Deliver: from changes that the stream brought to every effect they owe run, once committed, in version order."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from workflow.runtime.changes import Change
from workflow.runtime.crew import Crew
from workflow.runtime.deliver_lanes import deliver_lanes
from workflow.runtime.delivered import Delivered
from workflow.runtime.entity_delivery import EntityDelivery
from workflow.runtime.invocation import Invocation
from workflow.runtime.paused import PausedHooks
from workflow.runtime.runtime import Runtime
from workflow.runtime.settled import SettledVersions

__all__ = ["Delivered", "Deliverer"]


class Deliverer:
    """Delivers changes on a pool of threads: different entities side by side, each entity in version order."""

    def __init__(self, runtime: Runtime, *, workers: int = 16) -> None:
        self._runtime = runtime
        self._crew = Crew(workers)
        self._paused = PausedHooks(runtime.ledger, runtime.clock)
        self._settled = SettledVersions()

    def deliver(self, changes: Sequence[Change], *, until: datetime, partial: Sequence[Change] = ()) -> Delivered:
        """Runs what the changes owe and returns what must come again; `until` is when this process may be stopped.

        Of `partial` changes the stream showed only a part, with version 0 for the rest: that is read of the history.

        Never raises for what one entity does: an effect that fails is tried again or put aside, and the entity's later
        changes wait behind it.
        """
        if partial:
            return self._deliver_partial(changes, partial, until)
        entities: dict[tuple[str, str], list[Change]] = {}
        for change in changes:
            entities.setdefault((change.kind, change.entity_id), []).append(change)
        if not entities:
            return Delivered()
        # First, and beside all effects: that a hook fails must not keep the next one from its turn.
        started, again = deliver_lanes(self._runtime, changes, self._crew)
        invocation = Invocation(self._runtime, until, self._paused)
        took_part = self._crew.work_off(
            entities.values(),
            lambda: EntityDelivery(self._runtime, invocation.runner(), self._settled),
            EntityDelivery.run,
            invocation.gathering,
        )
        delivered = Delivered(failed=again, started=started)
        for delivery in took_part:
            delivered.add(delivery.delivered)
        return delivered

    def _deliver_partial(self, changes: Sequence[Change], partial: Sequence[Change], until: datetime) -> Delivered:
        # Here and not above: the table that is shipped has a stream that shows all.
        from workflow.runtime.completing import complete
        from workflow.runtime.recalled import Recalled

        completed = complete(self._runtime, partial, self._crew)
        whole = sorted([*changes, *completed.changes], key=lambda change: int(change.position))
        delivered = self.deliver(whole, until=until)
        delivered.failed += completed.failed
        delivered.reads = completed.reads
        delivered.recalled = sum(isinstance(change.snapshots, Recalled) for change in completed.changes)
        return delivered
