"""Verify: hold every promise against what is kept of an entity. The findings are pure; `verify` walks the table."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from workflow.definition.definition import Definitions
from workflow.engine.events import FoldError, fold
from workflow.runtime.crew import Crew
from workflow.runtime.ledger_entry import LedgerEntry
from workflow.runtime.ports import EntityRecords, Records
from workflow.runtime.runtime import Runtime
from workflow.runtime.standing import Standing, standings

SHARES = 8
LATE = timedelta(minutes=5)
"""Effects that nobody has begun so long after their event were lost: a stream brings them within seconds."""


class Finding(NamedTuple):
    """One promise that does not hold: which (numbered as in docs/promises.md), for which entity, in words."""

    promise: int
    kind: str
    entity_id: str
    what: str

    def __str__(self) -> str:
        return f"{self.kind} {self.entity_id}: {self.what} (promise {self.promise})"


def findings(records: EntityRecords, definitions: Definitions, now: datetime) -> list[Finding]:
    """Everything that is wrong with what is kept of one entity."""
    return [
        Finding(promise, records.kind, records.entity_id, what)
        for check in (_read, _history, _requests, _edges, _effects, _timer, _violations)
        for promise, what in check(records, definitions, now)
    ]


_Found = Iterator[tuple[int, str]]


def _read(records: EntityRecords, definitions: Definitions, now: datetime) -> _Found:
    for damaged in records.damaged:
        yield 2, damaged


def _history(records: EntityRecords, definitions: Definitions, now: datetime) -> _Found:
    try:
        folded = fold(records.events)
    except FoldError as error:
        yield 2, str(error)
        return
    entity = records.entity
    if entity is None and folded is not None:
        yield 2, f"it was deleted, its history of {folded.version} events was not"
    elif entity is not None and folded is None:
        yield 2, f"it is at version {entity.version} and has no history"
    elif entity != folded and entity is not None and folded is not None:
        yield 2, f"it does not equal its history: {_difference(entity._asdict(), folded._asdict())}"


def _difference(entity: dict[str, object], folded: dict[str, object]) -> str:
    # Names alone of what the data holds: it may be sensitive.
    names = [name for name in entity if entity[name] != folded[name]]
    return ", ".join(
        name if name == "data" else f"{name} is {entity[name]!r}, its events make it {folded[name]!r}" for name in names
    )


def _requests(records: EntityRecords, definitions: Definitions, now: datetime) -> _Found:
    events = {event.version: event for event in records.events}
    for request in records.requests:
        event = events.get(request.version)
        if event is None or event.id != request.event_id:
            yield 1, f"request {request.id!r} was answered with version {request.version}, which the history lacks"
    for event_id, times in Counter(event.id for event in records.events).items():
        if times > 1:
            yield 1, f"event {event_id!r} is in the history {times} times"


def _edges(records: EntityRecords, definitions: Definitions, now: datetime) -> _Found:
    for event in records.events:
        definition = definitions.find(event.kind, event.definition)
        if definition is not None and (event.trigger, event.source, event.target) not in definition.edges:
            yield (
                3,
                f"event {event.version}: version {event.definition} of the definition has no transition "
                f"{event.trigger!r} from {event.source or 'nothing'!r} to {event.target!r}",
            )


def _effects(records: EntityRecords, definitions: Definitions, now: datetime) -> _Found:
    try:
        owing = standings(records, definitions)
    except FoldError:
        return
    opened = 0
    for standing in owing:
        if opened and _begun(standing.entry):
            yield 5, f"effects of version {standing.event.version} began before those of version {opened} were settled"
        if _differs(standing):
            yield 4, f"the ledger of version {standing.event.version} has other hooks than its event owes"
        if not standing.settled and not opened:
            opened = standing.event.version
            if why := _neglected(standing, now):
                yield 4, f"effects of version {opened} {why}"


def _begun(entry: LedgerEntry | None) -> bool:
    return entry is not None and any(outcome.attempts for outcome in entry.outcomes.values())


def _differs(standing: Standing) -> bool:
    recorded = standing.entry.outcomes if standing.entry else {}
    return bool(recorded) and standing.hooks is not None and set(recorded) != set(standing.hooks)


def _neglected(standing: Standing, now: datetime) -> str:
    """What is wrong with open effects that nobody is at, and that nobody is asked for; '' if nothing is."""
    entry = standing.entry
    if entry is None:
        lost = standing.event.at < now - LATE
        return f"are owed since {standing.event.at:%Y-%m-%d %H:%M}, and nobody has begun them" if lost else ""
    if entry.parked is None:
        return "were cut off, and nobody has taken them up" if entry.lease_until < now - LATE else ""
    due = entry.parked.next_at
    return f"are due since {due:%Y-%m-%d %H:%M}; does the sweeper run?" if due and due < now - LATE else ""


def _timer(records: EntityRecords, definitions: Definitions, now: datetime) -> _Found:
    entity, timer = records.entity, records.timer
    definition = definitions.find(entity.kind, entity.definition) if entity else None
    state = definition.states.get(entity.state) if definition and entity else None
    if entity is None or state is None or not state.timers:
        return
    if timer is None or timer.version != entity.version:
        yield 4, f"state {entity.state!r} has a timer, and none is set"
    elif not timer.refused and timer.at < now - LATE:
        yield 4, f"its timer {timer.trigger!r} is due since {timer.at:%Y-%m-%d %H:%M}; does it sweep?"


def _violations(records: EntityRecords, definitions: Definitions, now: datetime) -> _Found:
    for violation in records.violations:
        yield 7, f"was changed past the framework at {violation.at:%Y-%m-%d %H:%M}: {violation.reason}"


@dataclass(slots=True)
class Verified:
    """How many entities were looked at, how many wait for a person, and every promise that does not hold."""

    entities: int = 0
    events: int = 0
    effects: int = 0
    for_people: int = 0
    findings: list[Finding] = field(default_factory=list)


def verify(
    runtime: Runtime,
    records: Records,
    *,
    workers: int = 4,
    on_progress: Callable[[Verified], None] = lambda so_far: None,
) -> Verified:
    """Checks every promise on a live table, all shares side by side; what looks wrong is looked at again, whole.

    `on_progress` is told after every thousand entities, one call at a time. Raises what the store raises.
    """
    verified, lock = Verified(), threading.Lock()

    def look(found: EntityRecords) -> None:
        wrong = findings(found, runtime.definitions, runtime.clock.now())
        if wrong:
            # A walk may see an entity in the middle of a write.
            found = records.of(found.kind, found.entity_id)
            wrong = findings(found, runtime.definitions, runtime.clock.now())
        with lock:
            _add(verified, found, wrong)
            if verified.entities % 1000 == 0:
                on_progress(verified)

    def share(worker: None, number: int) -> None:
        for found in records.all(number, SHARES):
            if found.kind in runtime.definitions.kinds:
                look(found)

    Crew(workers).work_off(range(SHARES), lambda: None, share)
    return verified


def _add(verified: Verified, found: EntityRecords, wrong: list[Finding]) -> None:
    verified.entities += 1
    verified.events += len(found.events)
    verified.effects += sum(len(entry.outcomes) for entry in found.entries)
    verified.for_people += sum(1 for entry in found.entries if entry.parked and entry.parked.next_at is None)
    verified.findings += wrong
