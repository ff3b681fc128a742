"""What people do about a running workflow: look at what is put aside, let it go on, reconcile, verify, explain."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from workflow.definition.definition import UNDO
from workflow.definition.undo_names import hook_of
from workflow.errors import PayloadError, UnknownHookError
from workflow.runtime import people
from workflow.runtime.ask import check_id
from workflow.runtime.explain import Explanation, explain
from workflow.runtime.lane_view import LaneView, occupied_lanes, view_lane
from workflow.runtime.ledger_entry import LedgerEntry
from workflow.runtime.ports import Pause
from workflow.runtime.reconcile import Reconciler
from workflow.runtime.reconciled import Reconciled
from workflow.runtime.records import Records, WalkProgress
from workflow.runtime.runtime import Runtime
from workflow.runtime.verify import Verified, verify

if TYPE_CHECKING:
    from workflow.runtime.rebuild import Rebuilt


class Operations:
    """For people and their tools, never needed by a Lambda. Every method may raise the Retryable errors of the store
    and StoreAccessError."""

    def __init__(self, runtime: Runtime, records: Records) -> None:
        self._runtime, self._records = runtime, records

    def parked(
        self, *, kind: str | None = None, hook: str | None = None, error: str | None = None
    ) -> Iterator[LedgerEntry]:
        """The entries that are put aside: of a kind, at a hook, with an error of that class; all by default.

        What was put aside a moment ago may be missing. Raises UnknownKindError and UnknownHookError.
        """
        if kind is not None:
            self._runtime.get_definition(kind)
        if hook is not None:
            self._check_hook(hook)
        return (entry for entry in self._runtime.ledger.parked() if _matches(entry, kind, hook, error))

    def redrive(self, kind: str, id: str) -> LedgerEntry:
        """Lets the entity go on with the next sweep, all its attempts before it again, and returns where it stood.

        Raises EffectNotParkedError if it was not put aside, or is being run.
        """
        entry = self.get_parked(kind, id)
        people.redrive(self._runtime, entry)
        return entry

    def redrive_all(
        self,
        entries: Sequence[LedgerEntry],
        *,
        per_second: float = 0.0,
        on_each: Callable[[LedgerEntry], None] = lambda entry: None,
    ) -> Sequence[LedgerEntry]:
        """Lets these go on, due so many a second (0: all with the next sweep), and tells and returns each; those that
        have gone on by themselves meanwhile are left alone. Raises PayloadError for a rate that is none."""
        return people.redrive_all(self._runtime, entries, per_second=per_second, on_each=on_each)

    def skip(self, kind: str, id: str, reason: str, *, by: str = "") -> str:
        """Settles the effect that the entity stands at without running it, with the reason, and returns its hook; the
        entity goes on with the next sweep. Raises EffectNotParkedError, and PayloadError without a reason."""
        return people.skip(self._runtime, self.get_parked(kind, id), reason, by)

    def get_parked(self, kind: str, id: str) -> LedgerEntry:
        """Where the entity is put aside, by a consistent read; raises EffectNotParkedError if it is not."""
        self._runtime.get_definition(kind)
        check_id(kind, id)
        return people.parked_of(self._runtime, kind, id)

    def pauses(self) -> Mapping[str, Pause]:
        """The hooks that are paused, by name."""
        return self._runtime.ledger.pauses()

    def pause(self, hook: str, reason: str, *, by: str = "") -> Pause:
        """Keeps the hook from running until it is resumed, everywhere within ten seconds; what owes it is put aside.

        Raises UnknownHookError, and PayloadError without a reason.
        """
        self._check_hook(hook)
        return people.pause(self._runtime, hook, reason, by)

    def resume(
        self, hook: str, *, per_second: float = 0.0, on_each: Callable[[LedgerEntry], None] = lambda entry: None
    ) -> Sequence[LedgerEntry]:
        """Lets the hook run again, and tells and returns each entity that it held up, due so many a second (0: all with
        the next sweep).

        One that is put aside at this very moment is not among them, and goes on within ten minutes. Raises
        UnknownHookError if neither a pause nor a definition knows the hook, and PayloadError for a rate that is none.
        """
        # A hook that was paused and then removed from the definitions must be resumable.
        if hook not in self.pauses():
            self._check_hook(hook)
        return people.resume(self._runtime, hook, per_second=per_second, on_each=on_each)

    def _check_hook(self, hook: str) -> None:
        # What is published or fired by a definition can be held up as well.
        named = {
            name for one in self._runtime.definitions for names in (one.hooks, *one.edges.values()) for name in names
        }
        known = sorted(named - {UNDO})
        if hook not in known:
            raise UnknownHookError(f"no definition asks for a hook {hook!r}; known: {', '.join(known) or 'none'}")

    def lanes(self, kind: str | None = None, lane: str | None = None, key: str | None = None) -> Iterator[LaneView]:
        """The lanes in which somebody is, each with who runs and who waits by a consistent read: of a kind, of that
        name, for that key; all by default.

        A lane in which the first one came moments ago may be missing, unless all three are given: then that lane is
        read, whoever is in it. A limit that a function does not tell is None there, with the reason. Raises
        UnknownKindError, and PayloadError for a lane that no definition has.
        """
        found = occupied_lanes(self._runtime, kind, lane, key)
        views = (view_lane(self._runtime, one) for one in found)
        # Those that stand in another region's lane of that name are none of this one's.
        return (view for view in views if None not in (kind, lane, key) or view.is_occupied)

    def explain(self, kind: str, id: str) -> Explanation:
        """Why the entity is where it is, the reason that matters first; raises EntityNotFoundError, and
        HistoryConflictError if it was made unreadable by hand."""
        self._runtime.get_definition(kind)
        check_id(kind, id)
        return explain(self._runtime, self._records, kind, id)

    def reconcile(
        self,
        since: datetime | None = None,
        *,
        afresh: bool = False,
        on_progress: Callable[[WalkProgress], None] = lambda progress: None,
    ) -> Reconciled:
        """Has the sweeper run every effect that a change since then (None: ever) owes and the stream lost, and makes
        lanes and entities agree again.

        Safe beside live traffic. One that was interrupted less than a day ago goes on where it stopped, unless `afresh`
        or if it looked at less than is asked for now; it then finds what was lost before it first began. What changed
        in the last five minutes is left to the stream.
        """
        if since is not None and (not isinstance(since, datetime) or since.tzinfo is None):
            raise PayloadError(f"`since` is {since!r}; give a datetime with its zone, such as datetime.now(UTC)")
        reconciler = Reconciler(self._runtime, self._records, since=since, on_progress=on_progress)
        return reconciler.reconcile(afresh=afresh)

    def verify(self, *, on_progress: Callable[[Verified], None] = lambda so_far: None) -> Verified:
        """Checks every promise on the live table, entity by entity; reads all of it."""
        return verify(self._runtime, self._records, on_progress=on_progress)

    def rebuild(
        self,
        projection: str,
        *,
        kind: str | None = None,
        id: str | None = None,
        workers: int = 8,
        on_progress: Callable[[Rebuilt], None] = lambda so_far: None,
    ) -> Rebuilt:
        """Runs the projection again for all of history, and no other hook: for one kind, or one entity, if named.

        Reads the whole table; writes no ledger. Safe beside live traffic if what the projection writes never puts
        older in the place of newer. Raises RebuildError, UnknownKindError, EntityNotFoundError.
        """
        # Imported late: no Lambda ever rebuilds.
        from workflow.runtime.rebuild import rebuild

        return rebuild(
            self._runtime,
            self._records,
            projection,
            kind=kind,
            entity_id=id,
            workers=workers,
            on_progress=on_progress,
        )

    def estimated_entities(self) -> int:
        """About how many entities there are; hours old on AWS."""
        return self._records.estimated_entities()


def _matches(entry: LedgerEntry, kind: str | None, hook: str | None, error: str | None) -> bool:
    if entry.parked is None or (kind is not None and entry.kind != kind):
        return False
    if hook is not None and hook != hook_of(entry.parked.hook or entry.first_open):
        return False
    return error is None or entry.parked.error.partition(":")[0] == error
