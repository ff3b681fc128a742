"""What a stream did not show of an entity, read from its history when somebody looks."""

from __future__ import annotations

import copy
from collections.abc import Callable

from workflow.engine.entity import Entity
from workflow.engine.events import Event, FoldError, evolve, fold
from workflow.errors import HistoryConflictError
from workflow.runtime.runtime import Runtime


class Past:
    """What is kept of one entity, read no further than somebody asks; `reads` counts how often the table was asked."""

    def __init__(self, runtime: Runtime, kind: str, entity_id: str) -> None:
        self._store, self._ledger = runtime.store, runtime.ledger
        self._kind, self._id = kind, entity_id
        self._folded: Entity | None = None
        self.reads = 0

    def find_entity(self) -> Entity | None:
        """The entity as it is now; raises HistoryConflictError if somebody made it into something else."""
        self.reads += 1
        return self._store.find_entity(self._kind, self._id)

    def find_event(self, version: int) -> Event | None:
        """The event that made the version."""
        self.reads += 1
        return self._store.find_event(self._kind, self._id, version)

    def is_dealt_with(self, version: int) -> bool:
        """Whether the effects of the event are settled, or were put aside."""
        self.reads += 1
        entry = self._ledger.find(self._kind, self._id, version)
        return entry is not None and (entry.settled or entry.parked is not None)

    def events(self, after: int, limit: int | None = None) -> list[Event]:
        """The events above `after`, in version order, at most `limit`."""
        self.reads += 1
        return list(self._store.events(self._kind, self._id, after=max(0, after), limit=limit))

    def at(self, version: int) -> Entity | None:
        """The entity at the version, not to be changed; None at 0. Reads on from the last version asked for.

        Raises HistoryConflictError if the history does not lead there.
        """
        if self._folded is None or self._folded.version > version:
            self._folded = None
        first = self._folded.version if self._folded else 0
        if first < version:
            try:
                self._folded = fold(self.events(first, version - first), self._folded)
            except FoldError as error:
                raise HistoryConflictError(str(error)) from None
        reached = self._folded.version if self._folded else 0
        if reached < version:
            raise HistoryConflictError(f"{self._kind} {self._id}: its history has no event {reached + 1}")
        return self._folded

    def after(self, before: Entity | None, event: Event) -> Entity:
        """The entity after the event, not to be changed; raises HistoryConflictError if that is not the next one."""
        try:
            self._folded = evolve(before, event)
        except FoldError as error:
            raise HistoryConflictError(str(error)) from None
        return self._folded


class Recalled:
    """Snapshots around an event: what the stream showed, or else what the history says; each call a copy of its own."""

    def __init__(
        self,
        past: Past,
        event: Event,
        before: Callable[[], Entity | None] | None = None,
        after: Callable[[], Entity] | None = None,
    ) -> None:
        self._past, self._version = past, event.version
        self._before, self._after = before, after
        self.event: Event | None = event
        self._own = event

    def before(self) -> Entity | None:
        """The entity before the event; None if there was none."""
        if self._before is not None:
            return self._before()
        return copy.deepcopy(self._past.at(self._version - 1))

    def after(self) -> Entity:
        """The entity as the event left it."""
        if self._after is not None:
            return self._after()
        before = self._before() if self._before is not None else self._past.at(self._version - 1)
        return copy.deepcopy(self._past.after(before, self._own))


class WithoutEvent:
    """Snapshots of an entity that no event of its own led to: before it there was what there is."""

    def __init__(self, found: Callable[[], Entity]) -> None:
        self._found = found
        self.event: Event | None = None

    def before(self) -> Entity | None:
        """The entity as it was found."""
        return self._found()

    def after(self) -> Entity:
        """The entity as it was found."""
        return self._found()
