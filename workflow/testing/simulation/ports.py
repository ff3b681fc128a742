"""Store and ledger with a bad network before them: at each call others may act first, and fate may do its worst."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, TypeVar, cast

from workflow.engine.entity import Entity
from workflow.engine.events import Event
from workflow.errors import ContentionError, StoreUnavailableError, ThrottledError, WorkflowError
from workflow.runtime.ledger_entry import LedgerEntry
from workflow.runtime.ports import Contested, Due, Listed, Pause, Request, SetTimer, Violation, Write
from workflow.testing.simulation.fate import Odds
from workflow.testing.simulation.scheduler import SECOND, current

if TYPE_CHECKING:
    from workflow.testing.simulation.world import World

_T = TypeVar("_T")
_PAGE = 3
_DELAYS = (0.3, 3.0, 20.0, 70.0, 200.0)
_PLANNED_DELAY = 70.0
"""Longer than any lease lasts."""

_ERRORS = {"request lost": StoreUnavailableError, "throttled": ThrottledError, "conflict": ContentionError}


class _Port:
    """Puts each call through fate."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._seen: dict[str, object] = {}

    def _call(self, odds: Odds, work: Callable[[], _T], what: str, *subject: object) -> _T:
        return self._meet(self._world.arrive(odds, what, subject), work, what)

    def _meet(self, fault: str, work: Callable[[], _T], what: str) -> _T:
        if not fault:
            return work()
        if fault == "crash before":
            self._crash()
        if fault in _ERRORS:
            raise _ERRORS[fault](f"{what}: {fault}")
        if fault.startswith("slow"):
            return self._slowly(fault, work)
        if fault == "arrives late":
            self._world.send_late(what, lambda: self._arrive_late(work))
            raise StoreUnavailableError(f"{what}: no answer in time")
        # Also what is sent twice, as botocore does by itself when the first answer is lost.
        with suppress(WorkflowError):
            work()
        if fault == "sent twice":
            return work()
        if fault == "crash after":
            self._crash()
        raise StoreUnavailableError(f"{what}: {fault}")

    def _crash(self) -> None:
        self._world.scheduler.crash(current())

    def _slowly(self, fault: str, work: Callable[[], _T]) -> _T:
        if fault == "slow request":
            self._sleep()
            return work()
        try:
            return work()
        finally:
            if not current().crashed:
                self._sleep()

    def _arrive_late(self, work: Callable[[], object]) -> None:
        """Long after whoever sent it gave up waiting."""
        self._sleep()
        with suppress(WorkflowError):
            work()

    def _sleep(self) -> None:
        world = self._world
        seconds = _DELAYS[world.fate.choose(len(_DELAYS))] if world.plan is None else _PLANNED_DELAY
        world.scheduler.sleep(round(seconds * SECOND))

    def _lagging(self, work: Callable[[], _T], what: str, *subject: object) -> _T:
        """A read that is only eventually consistent: it may show what it showed before."""

        def read() -> _T:
            self._seen[what] = shown = work()
            return shown

        fault = self._world.arrive(self._world.profile.lagging, what, subject)
        if fault == "stale read":
            return cast(_T, self._seen[what]) if what in self._seen else read()
        return self._meet(fault, read, what)


class FatedStore(_Port):
    """A Store whose calls meet their fate."""

    def find_entity(self, kind: str, entity_id: str) -> Entity | None:
        """The entity as it is now."""
        table = self._world.table
        return self._call(
            self._world.profile.read, lambda: table.find_entity(kind, entity_id), "find_entity", kind, entity_id
        )

    def commit(self, write: Write) -> Contested | None:
        """Writes all of it, or nothing."""
        # DynamoDB remembers a token for ten minutes; both must be right.
        remembers = not self._world.fate.happens(4 if self._world.table.is_known(write.token) else 0)
        return self._call(
            self._world.profile.commit,
            lambda: self._world.table.commit_once(write, remembers=remembers),
            "commit",
            write.event.kind,
            write.event.entity_id,
            f"v{write.event.version}",
            repr(write.event.trigger),
        )

    def find_event(self, kind: str, entity_id: str, version: int) -> Event | None:
        """The event that made the version."""
        table = self._world.table
        return self._call(
            self._world.profile.read,
            lambda: table.find_event(kind, entity_id, version),
            "find_event",
            kind,
            entity_id,
            version,
        )

    def events(self, kind: str, entity_id: str, *, after: int = 0, limit: int | None = None) -> Iterator[Event]:
        """The events above `after`, in pages, each read when it is come to."""
        table = self._world.table

        def read(first: int, count: int) -> list[Event]:
            return self._call(
                self._world.profile.read,
                lambda: list(table.events(kind, entity_id, after=first, limit=count)),
                "events",
                kind,
                entity_id,
                f"after v{first}",
            )

        def pages() -> Iterator[Event]:
            at = after
            while True:
                page = read(at, _PAGE)
                yield from page
                if len(page) < _PAGE:
                    return
                at = page[-1].version

        return islice(pages(), limit)

    def find_request(self, kind: str, entity_id: str, request_id: str) -> Request | None:
        """What the request id was used for."""
        table = self._world.table
        return self._call(
            self._world.profile.read,
            lambda: table.find_request(kind, entity_id, request_id),
            "find_request",
            kind,
            entity_id,
            request_id,
        )

    def listing(self, kind: str, state: str) -> Iterator[Listed]:
        """The entities of the kind in the state; may lag."""
        table = self._world.table
        return iter(self._lagging(lambda: list(table.listing(kind, state)), "listing", kind, state))

    def find_timer(self, kind: str, entity_id: str) -> SetTimer | None:
        """The timer that was set last."""
        table = self._world.table
        return self._call(
            self._world.profile.read, lambda: table.find_timer(kind, entity_id), "find_timer", kind, entity_id
        )

    def due_timers(self, now: datetime) -> Iterator[SetTimer]:
        """The timers that are due; may lag."""
        table = self._world.table
        return iter(self._lagging(lambda: list(table.due_timers(now)), "due_timers"))

    def change_timer(self, found: SetTimer, timer: SetTimer | None) -> None:
        """Puts another timer in the place of `found`."""
        table = self._world.table
        self._call(
            self._world.profile.write,
            lambda: table.change_timer(found, timer),
            "change_timer",
            found.kind,
            found.entity_id,
            f"v{found.version}",
        )

    def record_violation(self, violation: Violation) -> None:
        """Keeps the violation."""
        table = self._world.table
        self._call(
            self._world.profile.write,
            lambda: table.record_violation(violation),
            "record_violation",
            violation.kind,
            violation.entity_id,
            violation.reason,
        )

    def violations(self, kind: str, entity_id: str) -> Sequence[Violation]:
        """The violations recorded for the entity."""
        table = self._world.table
        return self._call(
            self._world.profile.read, lambda: table.violations(kind, entity_id), "violations", kind, entity_id
        )


class FatedLedger(_Port):
    """A Ledger whose calls meet their fate."""

    def find(self, kind: str, entity_id: str, version: int) -> LedgerEntry | None:
        """The entry of one event."""
        ledger = self._world.table.ledger
        return self._call(
            self._world.profile.read,
            lambda: ledger.find(kind, entity_id, version),
            "ledger.find",
            kind,
            entity_id,
            f"v{version}",
        )

    def put(self, entry: LedgerEntry, found: LedgerEntry | None) -> LedgerEntry | None:
        """Writes the whole entry if exactly `found` stands there."""
        table = self._world.table

        def put() -> LedgerEntry | None:
            before = table.entry(entry)
            standing = table.ledger.put(entry, found)
            if standing is None:
                table.watch(before, table.entry(entry))
            return standing

        return self._call(self._world.profile.write, put, "ledger.put", *_told(entry, ""))

    def commit(self, owner: str, after: LedgerEntry, hook: str = "") -> None:
        """Writes owner, lease, parking and the outcome of one hook, if `owner` still holds the entry."""
        table = self._world.table

        def commit() -> None:
            before = table.entry(after)
            table.ledger.commit(owner, after, hook)
            table.watch(before, table.entry(after))

        self._call(self._world.profile.write, commit, "ledger.commit", *_told(after, hook))

    def entries(self, kind: str, entity_id: str) -> Iterator[LedgerEntry]:
        """The ledger of one entity."""
        ledger = self._world.table.ledger
        return iter(
            self._call(
                self._world.profile.read,
                lambda: list(ledger.entries(kind, entity_id)),
                "ledger.entries",
                kind,
                entity_id,
            )
        )

    def due(self, now: datetime) -> Iterator[Due]:
        """What was put aside until now; may lag."""
        ledger = self._world.table.ledger
        return iter(self._lagging(lambda: list(ledger.due(now)), "ledger.due"))

    def parked(self) -> Iterator[LedgerEntry]:
        """What is put aside; may lag."""
        ledger = self._world.table.ledger
        return iter(self._lagging(lambda: list(ledger.parked()), "ledger.parked"))

    def pauses(self) -> Mapping[str, Pause]:
        """The hooks that are not to be run; may lag."""
        return self._lagging(self._world.table.ledger.pauses, "ledger.pauses")

    def pause(self, pause: Pause) -> None:
        """Keeps the hook from running."""
        ledger = self._world.table.ledger
        self._call(self._world.profile.write, lambda: ledger.pause(pause), "ledger.pause", pause.hook)

    def resume(self, hook: str) -> None:
        """Lets the hook run again."""
        ledger = self._world.table.ledger
        self._call(self._world.profile.write, lambda: ledger.resume(hook), "ledger.resume", hook)


def _told(entry: LedgerEntry, hook: str) -> tuple[object, ...]:
    return (entry.kind, entry.entity_id, f"v{entry.version}", hook, entry)
