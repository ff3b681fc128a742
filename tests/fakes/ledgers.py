"""A ledger in memory with a bad network in front of it, and processes that end in the middle of a write."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Literal, TypeVar

from workflow.errors import StoreUnavailableError, ThrottledError
from workflow.runtime.ledger_entry import LedgerEntry
from workflow.runtime.ports import Pause
from workflow.testing import MemoryLedger

LedgerFault = Literal["ok", "lost answer", "lost request", "throttle", "crash before", "crash after"]

_Result = TypeVar("_Result")


class Crash(KeyboardInterrupt):
    """The process is gone: nobody hears of it."""


class FaultyLedger(MemoryLedger):
    """Each write meets the next of `faults`; `writes` holds what was written or tried, as (operation, version). Which
    hooks are paused is not told while `pauses_fail`, and after what `pauses_take`."""

    def __init__(self, *faults: LedgerFault) -> None:
        super().__init__()
        self.faults = list(faults)
        self.writes: list[tuple[str, int]] = []
        self.meanwhile: Callable[[], object] | None = None
        self.pauses_fail = False
        self.pauses_take: Callable[[], object] = lambda: None
        self._in_transaction = False

    def pauses(self) -> Mapping[str, Pause]:
        self.pauses_take()
        if self.pauses_fail:
            raise ThrottledError("injected: throttle")
        return super().pauses()

    def put(self, entry: LedgerEntry, found: LedgerEntry | None) -> LedgerEntry | None:
        return self._meet("put", entry, lambda: super(FaultyLedger, self).put(entry, found))

    def commit(self, owner: str, after: LedgerEntry, hook: str = "") -> None:
        if self._in_transaction:
            super().commit(owner, after, hook)
        else:
            self._meet("commit", after, lambda: super(FaultyLedger, self).commit(owner, after, hook))

    def _meet(self, operation: str, entry: LedgerEntry, write: Callable[[], _Result]) -> _Result:
        if self.meanwhile:
            meanwhile, self.meanwhile = self.meanwhile, None
            meanwhile()
        self.writes.append((operation, entry.version))
        fault = self.faults.pop(0) if self.faults else "ok"
        if fault == "crash before":
            raise Crash
        if fault == "throttle":
            raise ThrottledError("injected: throttle")
        if fault == "lost request":
            raise StoreUnavailableError("injected: lost request")
        result = write()
        if fault == "crash after":
            raise Crash
        if fault == "lost answer":
            raise StoreUnavailableError("injected: lost answer")
        return result

    @contextmanager
    def in_transaction(self) -> Iterator[None]:
        """What is committed meanwhile is part of a store's transaction, which has faults of its own."""
        with self.lock:
            self._in_transaction = True
            try:
                yield
            finally:
                self._in_transaction = False
