"""Running effects in a test, as the stream's Lambda would, without a stream."""

from __future__ import annotations

from datetime import timedelta

from workflow.application import Workflow
from workflow.errors import SettingsError
from workflow.runtime.deliver import Delivered, Deliverer
from workflow.runtime.sweep import Sweeper
from workflow.testing.memory import MemoryStore


class MemoryDelivery:
    """Delivers what happened in a MemoryStore to the hooks, like the stream's Lambda: each entity in version order,
    and what failed comes again with the next call."""

    def __init__(self, flow: Workflow, *, workers: int = 1) -> None:
        self._runtime = flow.runtime
        store = flow.runtime.store
        if not isinstance(store, MemoryStore):
            raise SettingsError(f"there is no stream in memory behind a {type(store).__name__}; use a MemoryStore")
        self._store = store
        self._seen = 0
        self._deliverer = Deliverer(flow.runtime, workers=workers)
        self._sweeper = Sweeper(flow.runtime, workers=workers)

    def run(self) -> Delivered:
        """Delivers until nothing new happens, so that effects of effects run too; stops at the first failure."""
        total = Delivered()
        while changes := self._store.changes(self._seen):
            until = self._runtime.clock.now() + timedelta(minutes=1)
            delivered = self._deliverer.deliver(changes, until=until)
            total.add(delivered)
            if delivered.failed:
                self._seen = min(int(change.position) for change in delivered.failed) - 1
                break
            self._seen += len(changes)
        return total

    def sweep(self) -> Delivered:
        """Does what the sweeper does once a minute, fires due timers and takes up what was put aside and is due, and
        then runs what that caused: `run(); clock.advance(3600); sweep()` is the whole loop."""
        swept = self._sweeper.sweep(until=self._runtime.clock.now() + timedelta(minutes=1))
        swept.add(self.run())
        return swept
