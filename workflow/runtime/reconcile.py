"""Reconcile: compare the history of every entity with its ledger, and have run what the stream lost; and make lanes
and entities agree."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from workflow.engine.entity import Entity
from workflow.engine.events import FoldError
from workflow.engine.place import LaneKey
from workflow.errors import HistoryConflictError, Retryable, StoreAccessError
from workflow.runtime.again import again
from workflow.runtime.crew import Crew
from workflow.runtime.home import is_elsewhere
from workflow.runtime.lane_ports import InLane
from workflow.runtime.lane_view import ALL, LaneRows, find_readable, is_judged, misplaced, told_place, unfit
from workflow.runtime.ledger_entry import OWED, RELEASED, LedgerEntry, Parked
from workflow.runtime.mend_lane import free_stale, mend_place
from workflow.runtime.records import Records, Seen, WalkProgress
from workflow.runtime.runtime import Runtime
from workflow.runtime.standing import Standing, first_open, standings
from workflow.runtime.start_waiting import watch_lane

GRACE = timedelta(minutes=5)
"""What happened less than this ago may still be on its way on the stream."""

RESUMABLE = timedelta(days=1)
"""A walk that began longer ago is begun again: too much may have been lost behind the place where it stopped."""

SHARES = 8
MEND_ATTEMPTS = 6
_KEEP_EVERY = 200


@dataclass(slots=True)
class Reconciled:
    """What was found: how many entities were looked at; which were restored; how many changed too lately to tell, or
    are put aside or being run anyway; and which could not be understood. `moved` are the entities that were given
    another place in a lane, or none, `freed` counts by lane the places of nobody. `elsewhere` are those at home in
    another region that owe something, as far as is known here. `began_at`: what was lost before that moment was found;
    it is long ago if the walk was interrupted."""

    began_at: datetime
    looked_at: int = 0
    restored: list[str] = field(default_factory=list)
    young: int = 0
    under_way: int = 0
    elsewhere: int = 0
    broken: list[str] = field(default_factory=list)
    moved: list[str] = field(default_factory=list)
    freed: Counter[LaneKey] = field(default_factory=Counter)


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
        self._lanes = _LaneMending(runtime, self._found, self._lock)

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


class _LaneMending:
    """Makes lanes and entities agree. Whoever is to start because of it is left to the sweeper, which has the
    handlers that say limits."""

    def __init__(self, runtime: Runtime, found: Reconciled, lock: threading.Lock) -> None:
        self._runtime, self._found, self._lock = runtime, found, lock
        self._rows, self._mended = LaneRows(runtime), set[LaneKey]()

    def look(self, seen: Seen) -> None:
        """Gives the entity the place that its state asks for, and mends the lane that it stands in."""
        lanes = {seen.place.at(seen.kind)} if seen.place else set[LaneKey]()
        wrong = misplaced(self._runtime.definitions, seen.kind, seen.state, seen.place)
        if wrong or not self._rows.know(seen.kind, seen.entity_id, seen.place):
            # By a consistent read: the index, from which the walk comes, may lag behind.
            entity = self._runtime.store.find_entity(seen.kind, seen.entity_id)
            if entity is not None and entity.home != self._runtime.region:
                # It stands in a lane of its own region, and that one knows.
                return
            lanes |= self._move(entity) if entity else set()
        for lane in sorted(lanes):
            self.mend(lane)

    def _move(self, entity: Entity) -> set[LaneKey]:
        """Puts the entity where it should stand, and returns the lane where it stands then."""
        runtime, kind, entity_id = self._runtime, entity.kind, entity.id
        if not is_judged(runtime.definitions, entity):
            return set()
        moved = again(runtime.clock, MEND_ATTEMPTS, lambda: mend_place(runtime, kind, entity_id))
        found = runtime.store.find_entity(kind, entity_id)
        if found is None:
            return set()
        wrong = misplaced(runtime.definitions, kind, found.state, found.place)
        why_not = f"{kind} {entity_id}: {unfit(runtime, found) or wrong}"
        with self._lock:
            if moved:
                self._found.moved.append(f"{kind} {entity_id}: {told_place(found.place)}")
            elif wrong and why_not not in self._found.broken:
                # The walk comes by it, and by its lane.
                self._found.broken.append(why_not)
        return {found.place.at(kind)} if found.place else set()

    def mend(self, lane: LaneKey) -> None:
        """Frees the places of nobody, and has a sweeper start who is next; once for each lane."""
        with self._lock:
            if lane in self._mended:
                return
            self._mended.add(lane)
        store, others = self._runtime.store, set[LaneKey]()
        found = store.lane(lane, waiting=ALL)
        for row in (*found.running, *found.waiting):
            others |= self._look_at_row(lane, row)
        if store.lane(lane, waiting=1).waiting:
            watch_lane(self._runtime, lane)
        for other in others:
            self.mend(other)

    def _look_at_row(self, lane: LaneKey, row: InLane) -> set[LaneKey]:
        runtime, moved = self._runtime, set[LaneKey]()
        entity = find_readable(runtime, lane, row)
        if entity is not None and entity.place == row.place:
            if not misplaced(runtime.definitions, lane.kind, entity.state, entity.place):
                return moved
            # With its entity, where that can be: nobody then says that the place is its own.
            moved = self._move(entity)
            entity = find_readable(runtime, lane, row)
            if entity is None or entity.place != row.place:
                return moved
        if free_stale(runtime, lane, row):
            with self._lock:
                self._found.freed[lane] += 1
        return moved
