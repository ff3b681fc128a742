"""Verify: walk the whole table, entity by entity, and find every promise that does not hold."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from workflow.runtime.crew import Crew
from workflow.runtime.findings import Finding, findings
from workflow.runtime.records import EntityRecords, Records
from workflow.runtime.runtime import Runtime

SHARES = 8
TELL_EVERY = 100


@dataclass(slots=True)
class Verified:
    """How many entities were looked at, with how many events and effects, how many effects wait for a person, and
    every promise that does not hold. `unknown` counts the entities of kinds that have no definition here."""

    entities: int = 0
    events: int = 0
    effects: int = 0
    for_people: int = 0
    findings: list[Finding] = field(default_factory=list)
    unknown: Counter[str] = field(default_factory=Counter)


def verify(
    runtime: Runtime,
    records: Records,
    *,
    workers: int = 4,
    on_progress: Callable[[Verified], None] = lambda so_far: None,
) -> Verified:
    """Checks every promise on a live table, all shares side by side; what looks wrong is looked at again, whole.

    `on_progress` is told after every hundred entities, one call at a time. Raises what the store raises.
    """
    walk = _Walk(runtime, records, on_progress)
    try:
        Crew(workers).work_off(range(SHARES), lambda: walk, _Walk.share)
    except BaseException:
        walk.stopped.set()
        raise
    return walk.verified


class _Walk:
    def __init__(self, runtime: Runtime, records: Records, on_progress: Callable[[Verified], None]) -> None:
        self._runtime, self._records, self._on_progress = runtime, records, on_progress
        self._lock, self.stopped = threading.Lock(), threading.Event()
        self.verified = Verified()

    def share(self, number: int) -> None:
        try:
            for found in self._records.all(number, SHARES):
                if self.stopped.is_set():
                    return
                self._look(found)
        except BaseException:
            # The others must not walk on to their ends before anybody hears of it.
            self.stopped.set()
            raise

    def _look(self, found: EntityRecords) -> None:
        if found.kind not in self._runtime.definitions.kinds:
            with self._lock:
                self.verified.unknown[found.kind] += 1
            return
        wrong = self._wrong(found)
        if wrong:
            # A walk may see an entity in the middle of a write, and so may a look: what stays wrong is wrong.
            found = self._records.of(found.kind, found.entity_id)
            wrong = self._wrong(found)
        if wrong:
            again = self._wrong(self._records.of(found.kind, found.entity_id))
            wrong = [finding for finding in wrong if finding in again]
        with self._lock:
            _add(self.verified, found, wrong)
            if self.verified.entities % TELL_EVERY == 0:
                self._on_progress(self.verified)

    def _wrong(self, found: EntityRecords) -> list[Finding]:
        return findings(found, self._runtime.definitions, self._runtime.clock.now())


def _add(verified: Verified, found: EntityRecords, wrong: list[Finding]) -> None:
    verified.entities += 1
    verified.events += len(found.events)
    verified.effects += sum(len(entry.outcomes) for entry in found.entries)
    verified.for_people += sum(1 for entry in found.entries if entry.parked and entry.parked.next_at is None)
    verified.findings += wrong
