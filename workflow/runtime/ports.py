"""What the use cases need from outside: a store, a ledger, a clock."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple, Protocol

from workflow.engine.entity import Entity
from workflow.engine.events import Event


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


@dataclass(frozen=True, slots=True)
class Write:
    """One transition to commit, all or nothing: the entity as read (None: there must be none), the event, the entity
    after it, and the request where an id was given. The same token always carries the same write."""

    before: Entity | None
    event: Event
    after: Entity
    request: Request | None
    token: str


@dataclass(frozen=True, slots=True)
class Contested:
    """What stood in the way of a write: the entity, the event of that version, the request of that id, as found."""

    entity: Entity | None
    event: Event | None
    request: Request | None


@dataclass(frozen=True, slots=True)
class Listed:
    """One line of a listing: which entity, in which state and version, since when."""

    kind: str
    id: str
    state: str
    version: int
    changed_at: datetime


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


class Store(Protocol):
    """Entities with their events and requests. Reads are strongly consistent, except `listing`.

    Every method may raise StoreAccessError, and ThrottledError or StoreUnavailableError when asking again may help.
    """

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

    def listing(self, kind: str, state: str) -> Iterator[Listed]:
        """The entities of the kind that were last seen in the state, by id; may lag behind by moments."""
        ...

    def record_violation(self, violation: Violation) -> None:
        """Keeps the violation; recording one twice keeps one."""
        ...

    def violations(self, kind: str, entity_id: str) -> Sequence[Violation]:
        """The violations recorded for the entity, oldest first."""
        ...


Status = Literal["owed", "done", "failed"]


class Outcome(NamedTuple):
    """How one effect stands: attempts begun so far, when and after how many milliseconds the last one ended."""

    status: Status = "owed"
    attempts: int = 0
    at: datetime | None = None
    took_ms: int = 0
    error: str = ""


OWED = Outcome()

RELEASED = ""
"""The owner of effects that were let go before any of them was cut off."""


class LedgerEntry(NamedTuple):
    """The effects of one event: who runs them until when, and how each of them stands, in the order they run."""

    kind: str
    entity_id: str
    version: int
    owner: str
    lease_until: datetime
    outcomes: Mapping[str, Outcome]

    @property
    def settled(self) -> bool:
        """Whether nothing is owed any more."""
        return all(outcome.status == "done" for outcome in self.outcomes.values())

    @property
    def first_open(self) -> str:
        """The hook that is next to run, '' if none is."""
        return next((hook for hook, outcome in self.outcomes.items() if outcome.status != "done"), "")

    def outcomes_for_next_owner(self) -> Mapping[str, Outcome]:
        """The outcomes as another owner takes them over: an effect that was cut off counts as attempted.

        One that failed is owed again, so that the next attempt counts as well if it is cut off in its turn.
        """
        begun = self.outcomes.get(self.first_open)
        if begun is None or self.owner == RELEASED:
            return self.outcomes
        attempts = begun.attempts if begun.status == "failed" else begun.attempts + 1
        return {**self.outcomes, self.first_open: begun._replace(status="owed", attempts=attempts)}


class Ledger(Protocol):
    """Where effects are claimed and committed. May raise the same errors as a Store."""

    def claim(self, claim: LedgerEntry, now: datetime) -> LedgerEntry:
        """Takes the effects of an event for `claim.owner` until `claim.lease_until`.

        Returns the entry as it stands after that; if it is settled, nothing was taken. Raises ClaimError while the
        lease of another owner lasts. Taking over a lease that ran out counts one more attempt for the hook that was
        next to run.
        """
        ...

    def commit(self, entry: LedgerEntry, hook: str, outcome: Outcome) -> None:
        """Writes the outcome if `entry.owner` still holds the entry, else raises LeaseLostError.

        A failed outcome also ends the lease, so that the next delivery need not wait for it.
        """
        ...

    def release(self, entry: LedgerEntry, now: datetime) -> None:
        """Ends the lease if `entry.owner` still holds the entry and runs none of its effects, else raises
        LeaseLostError. No attempt is counted for it."""
        ...

    def entries(self, kind: str, entity_id: str) -> Iterator[LedgerEntry]:
        """The ledger of one entity, in version order."""
        ...
