"""The steps of one entity's history as changes, for effects that no stream brings: what was missed, or waited."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from workflow.engine.entity import Entity
from workflow.engine.events import FoldError, evolve, fold
from workflow.errors import HistoryConflictError
from workflow.runtime.changes import Change
from workflow.runtime.missed import step_of
from workflow.runtime.runtime import Runtime

UNDEPLOYED_WAIT = timedelta(minutes=1)
"""How long a step waits before somebody looks again whether its definition is deployed."""


class Steps:
    """Walks the history of one entity from a version on; what happens meanwhile is walked as well."""

    def __init__(self, runtime: Runtime, kind: str, entity_id: str, first: int) -> None:
        """Reads the history before the version `first`; raises HistoryConflictError if it has a gap."""
        self._runtime, self._kind, self._id = runtime, kind, entity_id
        self._entity: Entity | None = None
        if first > 1:
            try:
                self._entity = fold(runtime.store.events(kind, entity_id, limit=first - 1))
            except FoldError as error:
                raise HistoryConflictError(str(error)) from None
        self.check_reaches(first - 1)

    def check_reaches(self, version: int) -> None:
        """Raises HistoryConflictError if the history, as far as it was walked, ends before the version."""
        if self._version < version:
            raise HistoryConflictError(f"{self._kind} {self._id}: its history has no event {self._version + 1}")

    @property
    def next_version(self) -> int:
        """The version that no step was given of yet."""
        return self._version + 1

    @property
    def _version(self) -> int:
        return self._entity.version if self._entity else 0

    def to_the_end(self) -> Iterator[Change]:
        """Every step, in order, until a look after the last one was dealt with finds no more.

        Raises HistoryConflictError at a gap, or if there is no step at all.
        """
        first = self._version + 1
        while True:
            version = self._version
            yield from self._more()
            self.check_reaches(first)
            if self._version == version:
                return

    def _more(self) -> Iterator[Change]:
        for event in self._runtime.store.events(self._kind, self._id, after=self._version):
            before = self._entity
            try:
                self._entity = evolve(before, event)
            except FoldError as error:
                raise HistoryConflictError(str(error)) from None
            yield step_of(event, before, self._entity)
