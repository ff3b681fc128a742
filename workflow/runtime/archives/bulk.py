"""What building a table from histories needs of it: many entities at once, and nothing that is there overwritten."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol, TypeAlias

from workflow.engine.entity import Entity
from workflow.engine.events import Event
from workflow.runtime.ledger_entry import LedgerEntry
from workflow.runtime.ports import Request, SetTimer

Key: TypeAlias = tuple[str, str]
"""Kind and id."""


class Load(NamedTuple):
    """All items of one entity as they are to be written; a request with the moment at which it may be forgotten."""

    entity: Entity
    events: Sequence[Event]
    entries: Sequence[LedgerEntry] = ()
    timer: SetTimer | None = None
    requests: Sequence[tuple[Request, datetime]] = ()

    @property
    def key(self) -> Key:
        """Kind and id."""
        return self.entity.kind, self.entity.id


class Standing(NamedTuple):
    """What stands in the table of an entity that is to be loaded: the entity, the id of its first event, and that of
    the event with the version that the load ends with; '' where there is none. `damaged` says what of it cannot be
    read."""

    entity: Entity | None = None
    first: str = ""
    last: str = ""
    damaged: str = ""


class Found(NamedTuple):
    """What can be read of an entity that was loaded: the entity, and those of its events that the load has, by
    version. `damaged` says what cannot."""

    entity: Entity | None
    events: Mapping[int, Event]
    damaged: str = ""


class Bulk(Protocol):
    """Many items at once. Each method may raise as a Store does; calling it again with the same loads is safe."""

    def standing(self, loads: Sequence[Load]) -> Mapping[Key, Standing]:
        """What stands there of each of them, by consistent reads."""
        ...

    def put(self, loads: Sequence[Load]) -> Sequence[Key]:
        """Writes each of which neither the entity nor another first event is there, and returns the others.

        Whoever creates one of them meanwhile is either refused or found here: nobody's items are overwritten. One that
        is small is there whole or not at all. Raises TooLargeError where an item of one of them is.
        """
        ...

    def histories(self, loads: Sequence[Load]) -> Mapping[Key, Found]:
        """What stands there of each."""
        ...
