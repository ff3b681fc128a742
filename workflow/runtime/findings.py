"""Findings: every promise held against what is kept of one entity, or of one lane. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from workflow.definition.definition import Definitions
from workflow.engine.entity import Entity
from workflow.engine.events import FoldError, fold
from workflow.engine.place import Place
from workflow.runtime.lane_ports import InLane
from workflow.runtime.lane_view import LaneView, is_judged, misplaced, told_place
from workflow.runtime.ledger_entry import LedgerEntry
from workflow.runtime.reason import RESTORE, command
from workflow.runtime.records import EntityRecords
from workflow.runtime.standing import Standing, standings
from workflow.runtime.undo_findings import undos_among, wrong_undos

LATE = timedelta(minutes=5)
"""Effects that nobody has begun so long after their event were lost: a stream brings them within seconds."""

_SWEEPER = "see whether the sweeper's Lambda runs, and its log"


class Finding(NamedTuple):
    """One promise that does not hold: which (numbered as in docs/promises.md), for which entity, in words that quote
    no data, and the way out ('' if there is none to copy)."""

    promise: int
    kind: str
    entity_id: str
    what: str
    way_out: str = ""

    def __str__(self) -> str:
        return f"{self.kind} {self.entity_id}: {self.what} (promise {self.promise})"


class _Wrong(NamedTuple):
    promise: int
    what: str
    way_out: str = ""


_Found = Iterator[_Wrong]


def findings(records: EntityRecords, definitions: Definitions, now: datetime) -> list[Finding]:
    """Everything that is wrong with what is kept of one entity."""
    return [
        Finding(wrong.promise, records.kind, records.entity_id, wrong.what, wrong.way_out)
        for check in (_read, _history, _requests, _edges, _effects, _timer, _violations, _place)
        for wrong in check(records, definitions, now)
    ]


def _read(records: EntityRecords, definitions: Definitions, now: datetime) -> _Found:
    for damaged in records.damaged.values():
        yield _Wrong(2, damaged)


def _history(records: EntityRecords, definitions: Definitions, now: datetime) -> _Found:
    try:
        folded = fold(records.events)
    except FoldError as error:
        yield _Wrong(2, str(error), RESTORE)
        return
    entity = records.entity
    if entity is None and folded is not None:
        if "entity" in records.damaged:
            return
        yield _Wrong(2, f"it was deleted, its history of {folded.version} events was not", RESTORE)
    elif entity is not None and folded is None:
        yield _Wrong(2, f"it is at version {entity.version} and has no history", RESTORE)
    elif entity is not None and folded is not None and entity._replace(place=folded.place) != folded:
        # Where in a lane it stands may be mended without an event.
        yield _Wrong(2, f"it does not equal its history: {_difference(entity, folded)}", RESTORE)


def _difference(entity: Entity, folded: Entity) -> str:
    # Of the data names alone: what it holds may be sensitive.
    names = sorted(n for n in {*entity.data, *folded.data} if entity.data.get(n) != folded.data.get(n))
    told = [
        f"{name} is {value!s}, its events make it {events_say!s}"
        for name, value, events_say in zip(Entity._fields, entity, folded, strict=True)
        if name not in ("data", "place") and value != events_say
    ]
    return "; ".join(told + [f"of its data: {', '.join(names)}"] * bool(names))


def _requests(records: EntityRecords, definitions: Definitions, now: datetime) -> _Found:
    events = {event.version: event for event in records.events}
    for request in records.requests:
        event = events.get(request.version)
        if event is None or event.id != request.event_id:
            yield _Wrong(
                1,
                f"request {request.id!r} was answered with version {request.version}, which the history lacks",
                RESTORE,
            )
    for event_id, times in Counter(event.id for event in records.events).items():
        if times > 1:
            yield _Wrong(1, f"event {event_id!r} is in the history {times} times", RESTORE)


def _edges(records: EntityRecords, definitions: Definitions, now: datetime) -> _Found:
    for event in records.events:
        definition = definitions.find(event.kind, event.definition)
        if definition is not None and (event.trigger, event.source, event.target) not in definition.edges:
            yield _Wrong(
                3,
                f"event {event.version}: version {event.definition} of the definition has no transition "
                f"{event.trigger!r} from {event.source or 'nothing'!r} to {event.target!r}",
                "raise the version with every change of a definition, and deploy the one it was made by again",
            )


def _effects(records: EntityRecords, definitions: Definitions, now: datetime) -> _Found:
    known = {event.version for event in records.events}
    for entry in records.entries:
        if entry.version not in known:
            yield _Wrong(4, f"the ledger holds effects of version {entry.version}, which the history lacks", RESTORE)
    try:
        owing = standings(records, definitions)
    except FoldError:
        return
    opened = 0
    for standing in owing:
        if opened and _begun(standing.entry):
            yield _Wrong(
                5, f"effects of version {standing.event.version} began before those of version {opened} were settled"
            )
        if _differs(standing):
            yield _Wrong(4, f"the ledger of version {standing.event.version} has other hooks than its event owes")
        yield from (_Wrong(4, *wrong) for wrong in wrong_undos(standing))
        if not standing.settled and not opened:
            opened = standing.event.version
            yield from _neglected(standing, now)


def _begun(entry: LedgerEntry | None) -> bool:
    return entry is not None and any(outcome.attempts for outcome in entry.outcomes.values())


def _differs(standing: Standing) -> bool:
    recorded = standing.entry.outcomes if standing.entry else {}
    if not recorded or standing.hooks is None:
        return False
    return set(recorded).difference(undos_among(recorded)) != set(standing.hooks).difference(
        undos_among(standing.hooks)
    )


def _neglected(standing: Standing, now: datetime) -> _Found:
    """What is wrong with open effects that nobody is at, and that nobody is asked for."""
    entry, version = standing.entry, standing.event.version
    if entry is None:
        if standing.event.at < now - LATE:
            owed = f"effects of version {version} are owed since {_at(standing.event.at)}, and nobody has begun them"
            yield _Wrong(4, owed, command("reconcile"))
    elif entry.parked is None:
        if standing.event.at < now - LATE and not entry.is_held(now):
            yield _Wrong(
                4, f"effects of version {version} were cut off, and nobody has taken them up", command("reconcile")
            )
    elif entry.parked.next_at and entry.parked.next_at < now - LATE:
        yield _Wrong(4, f"effects of version {version} are due since {_at(entry.parked.next_at)}", _SWEEPER)


def _timer(records: EntityRecords, definitions: Definitions, now: datetime) -> _Found:
    entity, timer = records.entity, records.timer
    definition = definitions.find(entity.kind, entity.definition) if entity else None
    state = definition.states.get(entity.state) if definition and entity else None
    if entity is None or state is None or not state.timers:
        return
    if timer is None or timer.version != entity.version:
        triggers = ", ".join(timer.trigger for timer in state.timers)
        yield _Wrong(
            4, f"state {entity.state!r} has a timer, and none is set", f"fire by hand, if it is time: {triggers}"
        )
    elif not timer.refused and timer.at < now - LATE:
        yield _Wrong(4, f"its timer {timer.trigger!r} is due since {_at(timer.at)}", _SWEEPER)


def _violations(records: EntityRecords, definitions: Definitions, now: datetime) -> _Found:
    for violation in records.violations:
        yield _Wrong(7, f"was changed past the framework at {_at(violation.at)}: {violation.reason}")


def _place(records: EntityRecords, definitions: Definitions, now: datetime) -> _Found:
    entity = records.entity
    wrong = entity is not None and misplaced(definitions, entity.kind, entity.state, entity.place)
    if entity and wrong and is_judged(definitions, entity):
        yield _Wrong(9, wrong, command("reconcile"))


def unknown_place(kind: str, entity_id: str, place: Place) -> Finding:
    """That a lane does not know of whoever stands there."""
    what = f"it has {told_place(place)} in {place.at(kind)}, which does not know of it"
    return Finding(9, kind, entity_id, what, command("reconcile"))


def lane_findings(view: LaneView, strays: Sequence[InLane], now: datetime) -> list[Finding]:
    """What is wrong with a lane in which those places are nobody's."""
    kind, found = view.lane.kind, []
    for row in strays:
        what = f"{told_place(row.place)} in {view.lane} is kept for it, and it stands elsewhere"
        found.append(Finding(9, kind, row.entity_id, what, command("reconcile")))
    longest = _beside_a_free_slot(view, now)
    if longest and not _is_watched(view, now):
        what = (
            f"it waits since {_at(longest.place.since)} beside a free slot in {view.lane}, and no sweeper looks there"
        )
        way_out = command("reconcile") if view.watched is None else _SWEEPER
        found.append(Finding(9, kind, longest.entity_id, what, way_out))
    return found


def lane_note(view: LaneView, now: datetime) -> str:
    """What may be as it should, and may surprise; '' if there is nothing."""
    if view.limit is None:
        return f"{view.lane}: how many may run is not known here: {view.unknown}"
    if len(view.running) > view.limit:
        return (
            f"{view.lane}: {len(view.running)} run, and its limit is {view.limit}: it was lowered, or some were moved "
            f"by hand; nobody starts until fewer run"
        )
    longest = _beside_a_free_slot(view, now)
    if longest and _is_watched(view, now):
        asked = command("explain", view.lane.kind, longest.entity_id)
        return f"{view.lane}: {longest.entity_id} waits beside a free slot, and is asked again every minute: {asked}"
    return ""


def _beside_a_free_slot(view: LaneView, now: datetime) -> InLane | None:
    """Who has waited longest, if a slot is free and that is too long."""
    longest = min(view.waiting, key=lambda row: row.place.since, default=None) if view.free else None
    return longest if longest and longest.place.since < now - LATE else None


def _is_watched(view: LaneView, now: datetime) -> bool:
    return view.watched is not None and view.watched >= now - LATE


def _at(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S}Z"
