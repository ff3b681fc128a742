"""How the effects of one event stand: each outcome, who runs them until when, and whether they were put aside. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

Status = Literal["owed", "unknown", "failed", "parked", "done", "caught", "skipped"]
"""`unknown`: a run was cut off, and nobody knows whether it happened. `failed`: to be tried again. `parked`: waits for
a person. The last three settle an effect: it ran, its error was caught by a transition, or a person skipped it."""

_SETTLED = ("done", "caught", "skipped")
_MOST_ATTEMPTS_KEPT = 20
_LONGEST_EARLIER_ERROR = 300
_LONGEST_LEASE = timedelta(minutes=20)
"""A Lambda lives 15 minutes at most. https://docs.aws.amazon.com/lambda/latest/dg/configuration-timeout.html"""


class Attempt(NamedTuple):
    """One run that failed: when it ended, after how many milliseconds, with which error."""

    at: datetime
    took_ms: int
    error: str


class Outcome(NamedTuple):
    """How one effect stands: attempts begun so far, when and after how many milliseconds the last one ended.

    `trace` is the last error's traceback, kept while a person is waited for. `earlier` are the failed attempts before
    the last one, oldest first, at most twenty, their errors cut short. `note` says what a person or a transition did
    about it. `forgiven` counts the attempts before the last redrive: the limit of a `retry` no longer sees them. `undo`
    is the hook that takes back what a run did that ended well, whatever became of the effect then; '' for none.
    """

    status: Status = "owed"
    attempts: int = 0
    at: datetime | None = None
    took_ms: int = 0
    error: str = ""
    trace: str = ""
    earlier: tuple[Attempt, ...] = ()
    note: str = ""
    forgiven: int = 0
    undo: str = ""

    @property
    def settled(self) -> bool:
        """Whether nothing is owed any more."""
        return self.status in _SETTLED

    def ended(self, status: Status, at: datetime, took_ms: int, error: str = "", note: str = "") -> Outcome:
        """The outcome after one more attempt, which ended so."""
        attempts, earlier = self.attempts + 1, self.attempts_failed
        return Outcome(status, attempts, at, took_ms, error, "", earlier, note, self.forgiven, self.undo)

    @property
    def attempts_failed(self) -> tuple[Attempt, ...]:
        """Every failed attempt that is kept, oldest first."""
        if self.at is None or not self.error:
            return self.earlier
        return (*self.earlier, Attempt(self.at, self.took_ms, self.error[:_LONGEST_EARLIER_ERROR]))[
            -_MOST_ATTEMPTS_KEPT:
        ]


OWED = Outcome()

RELEASED = ""
"""The owner of effects that were let go before any of them was cut off."""

Why = Literal[
    "retry",
    "released",
    "paused",
    "following",
    "definition",
    "lost",
    "attempts",
    "refused",
    "unknown",
    "broken",
]
"""Why effects were put aside. The first six go on by themselves: after a wait, because a person let them go,
when their hook is resumed, behind effects that were put aside before, when their definition is deployed, or because the
stream lost them. The others wait for a person: all attempts failed, the hook was refused, a run was cut off,
or the history cannot be read."""


class Parked(NamedTuple):
    """That an entity was put aside at this event: at which hook ('' where none is open), why, since when, with which
    error, and when it goes on by itself; None: when a person says so. Later effects of the entity wait behind it."""

    hook: str
    why: Why
    since: datetime
    next_at: datetime | None
    error: str = ""


class LedgerEntry(NamedTuple):
    """The effects of one event: who runs them until when, how each of them stands, in the order they run, and whether
    the entity was put aside here."""

    kind: str
    entity_id: str
    version: int
    owner: str
    lease_until: datetime
    outcomes: Mapping[str, Outcome]
    parked: Parked | None = None

    def __str__(self) -> str:
        return f"the effects of {self.kind} {self.entity_id} version {self.version}"

    @property
    def settled(self) -> bool:
        """Whether nothing is owed any more."""
        if self.parked and not self.outcomes and self.parked.why in ("definition", "broken"):
            # What it owes is not known yet.
            return False
        return all(outcome.settled for outcome in self.outcomes.values())

    @property
    def first_open(self) -> str:
        """The hook that is next to run, '' if none is."""
        return next((hook for hook, outcome in self.outcomes.items() if not outcome.settled), "")

    def is_held(self, now: datetime) -> bool:
        """Whether an owner may be at it: its lease lasts, and is no longer than any process lives; one that is was
        written by a clock far ahead of this one."""
        return self.owner != RELEASED and now < self.lease_until <= now + _LONGEST_LEASE

    def with_outcome(self, hook: str, outcome: Outcome) -> LedgerEntry:
        """The same with another outcome of one hook."""
        return self._replace(outcomes={**self.outcomes, hook: outcome})

    def taken_by(self, owner: str, lease_until: datetime) -> LedgerEntry:
        """The entry as another owner takes it over: an effect that was cut off counts as attempted, and is unknown.

        One that failed is owed again, so that the next attempt counts as well if it is cut off in its turn.
        """
        taken = self._replace(owner=owner, lease_until=lease_until)
        begun = self.outcomes.get(self.first_open)
        if begun is None:
            return taken
        if begun.status in ("failed", "parked"):
            return taken.with_outcome(self.first_open, begun._replace(status="owed", trace=""))
        if self.owner == RELEASED:
            return taken
        return taken.with_outcome(self.first_open, begun._replace(status="unknown", attempts=begun.attempts + 1))

    def is_as(self, other: LedgerEntry) -> bool:
        """Whether both stand the same, but for the last digits of a lease."""
        same_aside = (self.parked and self.parked[:2]) == (other.parked and other.parked[:2])
        return same_aside and (self.owner, self.outcomes) == (other.owner, other.outcomes)


class Settlement(NamedTuple):
    """An outcome to be committed together with a transition: the entry as it is to stand, of which hook, and the owner
    who must still hold it."""

    owner: str
    after: LedgerEntry
    hook: str
