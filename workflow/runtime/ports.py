"""What the use cases need from outside: a store, a ledger, a clock."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol

from workflow.engine.entity import Entity
from workflow.engine.events import Event
from workflow.engine.place import Place
from workflow.runtime.lane_ports import Lanes
from workflow.runtime.ledger_entry import LedgerEntry, Settlement


class Clock(Protocol):
    """Time and ids, so that nothing else reads them and a test can own them."""

    def now(self) -> datetime:
        """The time, aware, in UTC."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait that long."""
        ...

    def new_id(self) -> str:
        """A new id nobody else has, at most 32 characters."""
        ...

    def jitter(self) -> float:
        """A random number from 0 up to 1, for spreading retries."""
        ...


@dataclass(frozen=True, slots=True)
class Request:
    """That a request id was used: for which version, and the fingerprint of what was asked."""

    id: str
    version: int
    event_id: str
    fingerprint: str


class SetTimer(NamedTuple):
    """The trigger that fires at `at` if the entity is then still at the version; `refused` says why it did not, once
    it was tried and there is no later one."""

    kind: str
    entity_id: str
    version: int
    trigger: str
    at: datetime
    refused: str = ""

    def __str__(self) -> str:
        return f"{self.kind} {self.entity_id} version {self.version}"


@dataclass(frozen=True, slots=True)
class Write:
    """One transition to commit, all or nothing: the entity as read (None: there must be none), the event, the entity
    after it, the request where an id was given, the timer that the new state sets, and the outcome of the effect that
    asked for it. If the entity after it has another place in a lane, the one is given back and the other taken.

    The same token always carries the same write."""

    before: Entity | None
    event: Event
    after: Entity
    request: Request | None
    token: str
    timer: SetTimer | None = None
    settles: Settlement | None = None


@dataclass(frozen=True, slots=True)
class Contested:
    """What stood in the way of a write: the entity, the event of that version, the request of that id, as found; that
    the effect it was to settle has passed to another owner; that the slot it was to take is taken, or the one it was
    to give back is somebody else's."""

    entity: Entity | None
    event: Event | None
    request: Request | None
    lease_lost: bool = False
    slot_taken: bool = False
    slot_lost: bool = False


@dataclass(frozen=True, slots=True)
class Listed:
    """One line of a listing: which entity, in which state and version, since when, and its place in a lane."""

    kind: str
    id: str
    state: str
    version: int
    changed_at: datetime
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class Violation:
    """An entity was changed past the framework: what was seen. `position` is where on the stream; it is the id."""

    kind: str
    entity_id: str
    position: str
    at: datetime
    reason: str
    source: str
    target: str
    before_version: int
    version: int


class Store(Lanes, Protocol):
    """Entities with their events, requests, timers and lanes. Reads are strongly consistent, except `listing` and
    `due_timers`. `region` is which replica of a global table it writes to, '' if its table is no global one: timers and
    lanes are those of the entities at home there.

    Every method may raise StoreAccessError, and ThrottledError or StoreUnavailableError when asking again may help.
    """

    @property
    def region(self) -> str:
        """Set once, when the store is made."""
        ...

    def find_entity(self, kind: str, entity_id: str) -> Entity | None:
        """The entity as it is now."""
        ...

    def commit(self, write: Write) -> Contested | None:
        """Writes all of it and returns None, or writes nothing and says what stood in the way.

        Raises ContentionError when another transaction was under way, and StoreUnavailableError when it is not known
        whether the write happened: committing the same write again is then safe.
        """
        ...

    def find_event(self, kind: str, entity_id: str, version: int) -> Event | None:
        """The event that made the version."""
        ...

    def events(self, kind: str, entity_id: str, *, after: int = 0, limit: int | None = None) -> Iterator[Event]:
        """The events with a version above `after`, in version order, at most `limit`; read page by page."""
        ...

    def find_request(self, kind: str, entity_id: str, request_id: str) -> Request | None:
        """What the request id was used for."""
        ...

    def listing(self, kind: str, state: str, *, after: str = "", limit: int | None = None) -> Iterator[Listed]:
        """The entities of the kind that were last seen in the state, by id: those after the id `after`, at most
        `limit`; may lag behind by moments."""
        ...

    def find_timer(self, kind: str, entity_id: str) -> SetTimer | None:
        """The timer that was set last; the entity may have left its version since."""
        ...

    def due_timers(self, now: datetime) -> Iterator[SetTimer]:
        """The timers that are due, soonest first within each share; may lag behind by moments."""
        ...

    def change_timer(self, found: SetTimer, timer: SetTimer | None) -> None:
        """Puts another timer in the place of `found`, or none, if that is what stands there; else does nothing."""
        ...

    def record_violation(self, violation: Violation) -> None:
        """Keeps the violation; recording one twice keeps one."""
        ...

    def violations(self, kind: str, entity_id: str) -> Sequence[Violation]:
        """The violations recorded for the entity, oldest first."""
        ...


class Due(NamedTuple):
    """One put-aside entry whose time has come."""

    kind: str
    entity_id: str
    version: int
    at: datetime

    def __str__(self) -> str:
        return f"{self.kind} {self.entity_id} version {self.version}"


class Pause(NamedTuple):
    """That a hook is not to be run for a while: since when, why, and who said so."""

    hook: str
    since: datetime
    reason: str
    by: str = ""


class Ledger(Protocol):
    """Where effects are claimed, committed and put aside. May raise the same errors as a Store."""

    def find(self, kind: str, entity_id: str, version: int) -> LedgerEntry | None:
        """The entry of one event, by a consistent read."""
        ...

    def put(self, entry: LedgerEntry, found: LedgerEntry | None) -> LedgerEntry | None:
        """Writes the whole entry if exactly `found` stands there (None: nothing), and returns None; else writes
        nothing and returns what stands."""
        ...

    def commit(self, owner: str, after: LedgerEntry, hook: str = "") -> None:
        """Writes of `after` its owner, lease and parking, and the outcome of `hook` if one is named, if `owner` still
        holds the entry, else raises LeaseLostError."""
        ...

    def entries(self, kind: str, entity_id: str) -> Iterator[LedgerEntry]:
        """The ledger of one entity, in version order."""
        ...

    def due(self, now: datetime) -> Iterator[Due]:
        """What was put aside until now or earlier, soonest first within each share; may lag behind by moments."""
        ...

    def parked(self) -> Iterator[LedgerEntry]:
        """Every entry that is put aside, the longest waiting first within each share, as it stands; one that was put
        aside a moment ago may be missing."""
        ...

    def pauses(self) -> Mapping[str, Pause]:
        """The hooks that are not to be run, by name; may lag behind by moments."""
        ...

    def pause(self, pause: Pause) -> None:
        """Keeps the hook from running; a second pause replaces the first."""
        ...

    def resume(self, hook: str) -> None:
        """Lets the hook run again."""
        ...
