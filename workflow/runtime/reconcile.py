"""Reconcile: compare the history of every entity with its ledger, and have run what the stream lost."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from workflow.engine.events import FoldError
from workflow.runtime.crew import Crew
from workflow.runtime.ledger_entry import OWED, RELEASED, LedgerEntry, Parked
from workflow.runtime.ports import Records, Seen, WalkProgress
from workflow.runtime.runtime import Runtime
from workflow.runtime.standing import Standing, first_open, standings

GRACE = timedelta(minutes=5)
"""What changed less than this ago may still be on its way on the stream."""

SHARES = 8
_KEEP_EVERY = 200


@dataclass(slots=True)
class Reconciled:
    """What was found: how many entities were looked at; which were restored; how many changed too lately to tell, or
    are put aside or being run anyway; and which could not be understood."""

    looked_at: int = 0
    restored: list[str] = field(default_factory=list)
    young: int = 0
    under_way: int = 0
    broken: list[str] = field(default_factory=list)


class Reconciler:
    """Walks all entities, each share of the table by a thread of its own. What it finds lost it makes due for the
    sweeper: so it is safe beside live traffic, and beside another of its kind."""

    def __init__(
        self,
        runtime: Runtime,
        records: Records,
        *,
        since: datetime | None = None,
        grace: timedelta = GRACE,
        on_progress: Callable[[WalkProgress], None] = lambda progress: None,
    ) -> None:
        """`since`: only what changed then or later; `on_progress` is told now and then, one call at a time."""
        self._runtime, self._records = runtime, records
        self._since, self._grace, self._on_progress = since, grace, on_progress
        self._lock = threading.Lock()
        self._found = Reconciled()
        self._progress = WalkProgress(since, runtime.clock.now(), 0, 0, ("",) * SHARES)

    def reconcile(self, *, afresh: bool = False, workers: int = 4) -> Reconciled:
        """Restores every effect that is owed by a change and that nobody has begun.

        One that was interrupted goes on where it stopped, unless `afresh`, or if its `since` was another. Raises what
        the store raises; what was restored by then stays so.
        """
        kept = None if afresh else self._records.find_progress()
        if kept is not None and kept.since == self._since and len(kept.positions) == SHARES:
            self._progress = kept
        open_shares = [share for share, position in enumerate(self._progress.positions) if position is not None]
        Crew(workers).work_off(open_shares, lambda: self, Reconciler._walk_share)
        self._records.keep_progress(None)
        return self._found

    def _walk_share(self, share: int) -> None:
        after = self._progress.positions[share] or ""
        unkept, restored, position = 0, 0, after
        for seen in self._records.walk(share, SHARES, after):
            restored += self._look(seen)
            unkept, position = unkept + 1, seen.position
            if unkept == _KEEP_EVERY:
                self._keep(share, position, unkept, restored)
                unkept = restored = 0
        self._keep(share, None, unkept, restored)

    def _keep(self, share: int, position: str | None, looked_at: int, restored: int) -> None:
        with self._lock:
            before = self._progress
            positions = (*before.positions[:share], position, *before.positions[share + 1 :])
            self._progress = before._replace(
                looked_at=before.looked_at + looked_at, restored=before.restored + restored, positions=positions
            )
            self._records.keep_progress(self._progress)
            self._on_progress(self._progress)

    def _look(self, seen: Seen) -> bool:
        """Looks at one entity, and restores it if the stream lost one of its events; whether it did."""
        with self._lock:
            self._found.looked_at += 1
        if not seen.owing or (self._since is not None and seen.changed_at < self._since):
            return False
        entry = self._runtime.ledger.find(seen.kind, seen.entity_id, seen.owing)
        if entry is not None and entry.settled:
            return False
        if seen.changed_at > self._runtime.clock.now() - self._grace:
            with self._lock:
                self._found.young += 1
            return False
        return self._restore(seen)

    def _restore(self, seen: Seen) -> bool:
        name = f"{seen.kind} {seen.entity_id}"
        try:
            lost = first_open(standings(self._records.of(seen.kind, seen.entity_id), self._runtime.definitions))
        except FoldError as error:
            with self._lock:
                self._found.broken.append(f"{name}: {error}")
            return False
        if lost is None or not self._make_due(seen, lost):
            with self._lock:
                self._found.under_way += lost is not None
            return False
        with self._lock:
            self._found.restored.append(f"{name} version {lost.event.version}")
        return True

    def _make_due(self, seen: Seen, lost: Standing) -> bool:
        now, entry = self._runtime.clock.now(), lost.entry
        if entry is not None and (entry.parked or entry.lease_until > now):
            return False
        # What an event of a definition that is not loaded here owes is found out where it is.
        parked = Parked("", "lost" if lost.hooks else "definition", now, now, "the stream did not bring it")
        owed = dict.fromkeys(lost.hooks or (), OWED)
        fresh = LedgerEntry(seen.kind, seen.entity_id, lost.event.version, RELEASED, now, owed, parked)
        due = fresh if entry is None else entry._replace(parked=parked)
        return self._runtime.ledger.put(due, entry) is None
