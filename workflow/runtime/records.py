"""All that is kept, entity by entity: what verifying, reconciling and explaining need, and no Lambda does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import NamedTuple, Protocol

from workflow.engine.entity import Entity
from workflow.engine.events import Event
from workflow.engine.place import LaneKey, Place
from workflow.runtime.ledger_entry import LedgerEntry
from workflow.runtime.ports import Request, SetTimer, Violation


class EntityRecords(NamedTuple):
    """Everything that is kept of one entity. `damaged` says of items that cannot be read why not, by
    their sort key."""

    kind: str
    entity_id: str
    entity: Entity | None
    events: Sequence[Event]
    requests: Sequence[Request]
    entries: Sequence[LedgerEntry]
    timer: SetTimer | None
    violations: Sequence[Violation]
    damaged: Mapping[str, str] = MappingProxyType({})

    @property
    def home(self) -> str | None:
        """The home that the entity, or else its first event, says; None if neither is there."""
        if self.entity is not None:
            return self.entity.home
        return self.events[0].home if self.events and self.events[0].version == 1 else None


class Seen(NamedTuple):
    """One entity as a walk over all of them comes by it; `position` is where another walk may go on after it, `place`
    where it stands in a lane."""

    kind: str
    entity_id: str
    owing: int
    changed_at: datetime
    position: str
    state: str = ""
    place: Place | None = None


class WalkProgress(NamedTuple):
    """How far a walk over all entities has come: since when they changed, when it began, how many it has looked at and
    restored, and for each share of the table the position reached, '' before the first, None when it is through."""

    since: datetime | None
    started_at: datetime
    looked_at: int
    restored: int
    positions: tuple[str | None, ...]


class Records(Protocol):
    """All that is kept, entity by entity: for verifying, reconciling and explaining. May raise as a Store does."""

    def of(self, kind: str, entity_id: str) -> EntityRecords:
        """Everything of one entity, by consistent reads."""
        ...

    def all(self, share: int, shares: int) -> Iterator[EntityRecords]:
        """Everything of every entity in one share of the table; what is written meanwhile may be seen half."""
        ...

    def walk(self, share: int, shares: int, after: str = "") -> Iterator[Seen]:
        """Every entity in one share of the table, after a position; may lag behind by moments."""
        ...

    def lanes(self, share: int, shares: int) -> Iterator[LaneKey]:
        """Every lane in one share of the table that has a row, whoever stands in it; reads all of the table."""
        ...

    def estimated_entities(self) -> int:
        """About how many entities there are; hours old on AWS."""
        ...

    def find_progress(self) -> WalkProgress | None:
        """The progress kept last, of a walk that did not come to its end."""
        ...

    def keep_progress(self, progress: WalkProgress | None) -> None:
        """Keeps how far a walk has come, or forgets it."""
        ...
