"""Reconcile: compare the history of every entity with its ledger, and have run what the stream lost; and make lanes
and entities agree."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta

from workflow.engine.events import FoldError
from workflow.errors import HistoryConflictError, Retryable, StoreAccessError
from workflow.runtime.crew import Crew
from workflow.runtime.home import is_elsewhere
from workflow.runtime.ledger_entry import OWED, RELEASED, LedgerEntry, Parked
from workflow.runtime.reconcile_lanes import LaneMending
from workflow.runtime.reconciled import Reconciled
from workflow.runtime.records import Records, Seen, WalkProgress
from workflow.runtime.runtime import Runtime
from workflow.runtime.standing import Standing, first_open, standings

GRACE = timedelta(minutes=5)
"""What happened less than this ago may still be on its way on the stream."""

RESUMABLE = timedelta(days=1)
"""A walk that began longer ago is begun again: too much may have been lost behind the place where it stopped."""

SHARES = 8
_KEEP_EVERY = 200


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
        """`since`: only what changed then or later; `on_progress` is told at the beginning (then its positions say
        whether an interrupted walk goes on) and now and then, one call at a time."""
        self._runtime, self._records = runtime, records
        self._grace, self._on_progress = grace, on_progress
        self._lock, self._stopped = threading.Lock(), threading.Event()
        self._progress = WalkProgress(since, runtime.clock.now(), 0, 0, ("",) * SHARES)
        self._found = Reconciled(self._progress.started_at)
        self._lanes = LaneMending(runtime, self._found, self._lock)

    def reconcile(self, *, afresh: bool = False, workers: int = 4) -> Reconciled:
        """Restores every effect that is owed by a change and that nobody has begun.

        One that was interrupted less than a day ago goes on where it stopped, unless `afresh`, or if it looked at less
        than is asked for now. Raises what the store raises; what was restored by then stays so.
        """
        kept = None if afresh else self._records.find_progress()
        if kept is not None and self._covers(kept):
            self._progress, self._found.began_at = kept, kept.started_at
        self._on_progress(self._progress)
        open_shares = [share for share, position in enumerate(self._progress.positions) if position is not None]
        try:
            Crew(workers).work_off(open_shares, lambda: self, Reconciler._walk_share)
        except BaseException:
            self._stopped.set()
            raise
        self._records.keep_progress(None)
        return self._found

    def _covers(self, kept: WalkProgress) -> bool:
        """Whether going on with the walk finds what this one is asked for."""
        since, now = self._progress.since, self._runtime.clock.now()
        if len(kept.positions) != SHARES or kept.started_at < now - RESUMABLE:
            return False
        # Two calls with --since 2h never name the same moment.
        return kept.since is None or (since is not None and kept.since <= since)

    def _walk_share(self, share: int) -> None:
        if self._stopped.is_set():
            return
        try:
            self._walk(share)
        except BaseException:
            # The others must not walk on to their ends before anybody hears of it.
            self._stopped.set()
            raise

    def _walk(self, share: int) -> None:
        after = self._progress.positions[share] or ""
        unkept, restored, position = 0, 0, after
        for seen in self._records.walk(share, SHARES, after):
            if self._stopped.is_set():
                break
            restored += self._look_apart(seen)
            unkept, position = unkept + 1, seen.position
            if unkept == _KEEP_EVERY:
                self._keep(share, position, unkept, restored)
                unkept = restored = 0
        if self._progress.since is None:
            self._mend_lanes(share)
        self._keep(share, position if self._stopped.is_set() else None, unkept, restored)

    def _mend_lanes(self, share: int) -> None:
        """Also the lanes in which no entity says that it stands; to find them takes reading the whole table."""
        if not any(definition.lanes for definition in self._runtime.definitions):
            return
        for lane in self._records.lanes(share, SHARES):
            if self._stopped.is_set():
                return
            try:
                self._lanes.mend(lane)
            except HistoryConflictError as error:
                with self._lock:
                    self._found.broken.append(str(error))

    def _keep(self, share: int, position: str | None, looked_at: int, restored: int) -> None:
        with self._lock:
            before = self._progress
            positions = (*before.positions[:share], position, *before.positions[share + 1 :])
            self._progress = before._replace(
                looked_at=before.looked_at + looked_at, restored=before.restored + restored, positions=positions
            )
            self._records.keep_progress(self._progress)
            self._on_progress(self._progress)

    def _look_apart(self, seen: Seen) -> bool:
        """Looks at one entity, and whether it was restored; whatever is wrong with it does not end the walk."""
        with self._lock:
            self._found.looked_at += 1
        try:
            return self._look(seen)
        except (Retryable, StoreAccessError):
            raise
        except FoldError as error:
            what = str(error)
        except Exception as error:
            what = f"what is kept of it cannot be read ({type(error).__name__})"
        with self._lock:
            self._found.broken.append(f"{seen.kind} {seen.entity_id}: {what}")
        return False

    def _look(self, seen: Seen) -> bool:
        self._lanes.look(seen)
        since = self._progress.since
        if not seen.owing or (since is not None and seen.changed_at < since):
            return False
        entry = self._runtime.ledger.find(seen.kind, seen.entity_id, seen.owing)
        if entry is not None and entry.settled:
            return False
        records = self._records.of(seen.kind, seen.entity_id)
        if is_elsewhere(self._runtime, records):
            with self._lock:
                self._found.elsewhere += 1
            return False
        if records.damaged:
            raise FoldError(next(iter(records.damaged.values())))
        lost = first_open(standings(records, self._runtime.definitions))
        return lost is not None and self._restore(seen, lost)

    def _restore(self, seen: Seen, lost: Standing) -> bool:
        # By the event and not by the entity, which may change every minute and be stuck all the same.
        young = lost.event.at > self._runtime.clock.now() - self._grace
        made_due = not young and self._make_due(seen, lost)
        with self._lock:
            if made_due:
                self._found.restored.append(f"{seen.kind} {seen.entity_id} version {lost.event.version}")
            elif young:
                self._found.young += 1
            else:
                self._found.under_way += 1
        return made_due

    def _make_due(self, seen: Seen, lost: Standing) -> bool:
        now, entry = self._runtime.clock.now(), lost.entry
        if entry is not None and (entry.parked or entry.is_held(now)):
            return False
        # What an event of a definition that is not loaded here owes is found out where it is.
        parked = Parked("", "definition" if lost.hooks is None else "lost", now, now, "the stream did not bring it")
        owed = dict.fromkeys(lost.hooks or (), OWED)
        fresh = LedgerEntry(seen.kind, seen.entity_id, lost.event.version, RELEASED, now, owed, parked)
        due = fresh if entry is None else entry._replace(parked=parked)
        return self._runtime.ledger.put(due, entry) is None
