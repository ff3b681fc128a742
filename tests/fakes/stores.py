"""A store in memory with a bad network in front of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Literal

from tests.fakes.ledgers import FaultyLedger
from workflow.engine.entity import Entity
from workflow.engine.events import Event
from workflow.errors import (
    ContentionError,
    HistoryConflictError,
    StoreAccessError,
    StoreUnavailableError,
    ThrottledError,
    WorkflowError,
)
from workflow.runtime.ports import Contested, Write
from workflow.testing import MemoryStore

Fault = Literal["lost answer", "lost request", "conflict", "throttle", "denied", "ok"]

_ERRORS: dict[str, type[WorkflowError]] = {
    "lost answer": StoreUnavailableError,
    "lost request": StoreUnavailableError,
    "conflict": ContentionError,
    "throttle": ThrottledError,
    "denied": StoreAccessError,
}


class FaultyStore(MemoryStore):
    """Each commit meets the next of `faults`; with `meanwhile`, somebody else comes first.

    Like DynamoDB it takes the same token again for the same success.
    """

    def __init__(self, *faults: Fault) -> None:
        super().__init__()
        self.ledger: FaultyLedger = FaultyLedger()
        self.faults = list(faults)
        self.meanwhile: Callable[[], object] | None = None
        self.writes: list[Write] = []
        self.reads = 0
        self.damaged: set[tuple[str, str, int]] = set()
        """Events, by kind, id and version, that somebody made into something else by hand."""
        self._applied: dict[str, Write] = {}

    @property
    def tokens(self) -> list[str]:
        """The tokens of all commits asked for."""
        return [write.token for write in self.writes]

    def find_entity(self, kind: str, entity_id: str) -> Entity | None:
        self.reads += 1
        return super().find_entity(kind, entity_id)

    def find_event(self, kind: str, entity_id: str, version: int) -> Event | None:
        self._check(kind, entity_id, version)
        return super().find_event(kind, entity_id, version)

    def events(self, kind: str, entity_id: str, *, after: int = 0, limit: int | None = None) -> Iterator[Event]:
        for event in super().events(kind, entity_id, after=after, limit=limit):
            self._check(kind, entity_id, event.version)
            yield event

    def _check(self, *event: str | int) -> None:
        if event in self.damaged:
            raise HistoryConflictError(f"{event[0]} {event[1]}: event {event[2]} was changed by hand")

    def commit(self, write: Write) -> Contested | None:
        if self.meanwhile:
            meanwhile, self.meanwhile = self.meanwhile, None
            meanwhile()
        self.writes.append(write)
        fault = self.faults.pop(0) if self.faults else "ok"
        if fault in ("ok", "lost answer"):
            contested = self._commit_once(write)
            if fault == "ok":
                return contested
        raise _ERRORS[fault](f"injected: {fault}")

    def _commit_once(self, write: Write) -> Contested | None:
        if write.token in self._applied:
            assert self._applied[write.token] == write, "one token, two writes"
            return None
        with self.ledger.in_transaction():
            contested = super().commit(write)
        if contested is None:
            self._applied[write.token] = write
        return contested

    def forget_tokens(self) -> None:
        """Ten minutes pass: DynamoDB remembers no token any more."""
        self._applied.clear()

    def rewind(self, entity: Entity) -> None:
        """Somebody puts an older copy of the entity back by hand."""
        self._entities[(entity.kind, entity.id)] = entity

    def delete(self, kind: str, entity_id: str) -> None:
        """Somebody deletes the entity by hand, not its history."""
        del self._entities[(kind, entity_id)]

    def delete_history(self, kind: str, entity_id: str) -> None:
        """Somebody deletes the history by hand."""
        self._events.pop((kind, entity_id))
