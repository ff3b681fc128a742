"""Explain: the one answer to "why is it not moving?"."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from workflow.definition.durations import written
from workflow.engine.entity import Entity
from workflow.engine.events import FoldError
from workflow.errors import EntityNotFoundError
from workflow.runtime.ledger_entry import LedgerEntry, Parked
from workflow.runtime.ports import EntityRecords, Pause, Records
from workflow.runtime.runtime import Runtime
from workflow.runtime.standing import Standing, first_open, standings


class Reason(NamedTuple):
    """One thing that holds an entity up, or that it waits for: what, and the way out ('' if there is nothing to do)."""

    what: str
    way_out: str = ""


class Explanation(NamedTuple):
    """Where an entity stands and why; the first reason is the one that matters. `now` is when it was asked."""

    entity: Entity
    now: datetime
    reasons: Sequence[Reason]
    parked: LedgerEntry | None
    waiting: Sequence[Standing]


def explain(runtime: Runtime, records: Records, kind: str, entity_id: str) -> Explanation:
    """Why the entity is where it is, by consistent reads; raises EntityNotFoundError and what the store raises."""
    found = records.of(kind, entity_id)
    entity = found.entity
    if entity is None:
        kept = f"; its history of {len(found.events)} events is still there" if found.events else ""
        raise EntityNotFoundError(f"there is no {kind} {entity_id}{kept}")
    now = runtime.clock.now()
    try:
        owing = standings(found, runtime.definitions)
    except FoldError as error:
        broken = Reason(f"its history cannot be read: {error}", "restore it from a backup")
        return Explanation(entity, now, [broken], None, [])
    blocking = first_open(owing)
    waiting = [s for s in owing if blocking and s.event.version > blocking.event.version and not s.settled]
    reasons = [
        *(_effects(runtime.ledger.pauses(), blocking, now) if blocking else ()),
        *_timer(found, now),
        *_triggers(runtime, entity),
        *_violations(found),
    ]
    parked = blocking.entry if blocking and blocking.entry and blocking.entry.parked else None
    return Explanation(entity, now, reasons, parked, waiting)


def _effects(pauses: Mapping[str, Pause], blocking: Standing, now: datetime) -> Iterator[Reason]:
    entry, version = blocking.entry, blocking.event.version
    if blocking.hooks is None:
        yield Reason(
            f"version {blocking.event.definition} of its definition is not loaded here; what version {version} owes is "
            f"not known",
            "deploy that version, beside the one in force if need be",
        )
    if entry is None:
        yield Reason(
            f"the effects of version {version} were not begun yet ({_ago(now, blocking.event.at)})",
            "if this lasts longer than the stream takes: workflow reconcile",
        )
    elif entry.parked:
        yield _parked(entry, entry.parked, pauses, now)
    elif entry.lease_until > now:
        yield Reason(f"{entry.first_open!r} of version {version} is being run, until {_at(entry.lease_until)} at most")
    else:
        yield Reason(
            f"a run of {entry.first_open!r} of version {version} was cut off; the stream delivers it again",
            "if this lasts: workflow reconcile",
        )


def _parked(entry: LedgerEntry, parked: Parked, pauses: Mapping[str, Pause], now: datetime) -> Reason:
    hook = parked.hook or entry.first_open
    attempts = entry.outcomes[hook].attempts if hook else 0
    since = f"since {_at(parked.since)} ({_ago(now, parked.since)})"
    subject, name = f"{hook!r} of version {entry.version}", f"{entry.kind} {entry.entity_id}"
    if parked.why == "paused" and (pause := pauses.get(hook)):
        return Reason(f"{hook!r} is paused since {_at(pause.since)}: {pause.reason}", f"workflow resume {hook}")
    if parked.next_at is None:
        skip = f"workflow skip {name} --reason ..." if hook else ""
        return Reason(
            f"{subject} waits for a person {since}, {_WHY[parked.why]} (attempts: {attempts}): {parked.error}",
            " or ".join(filter(None, [f"workflow redrive {name}", skip])),
        )
    if parked.why == "retry":
        what = f"{subject} failed (attempts: {attempts}): {parked.error}; put aside {since}"
        return Reason(f"{what}, next try {_due(parked.next_at, now)}", f"sooner: workflow redrive {name}")
    return Reason(f"{_WHY[parked.why].format(version=entry.version)} {since}; goes on {_due(parked.next_at, now)}")


_WHY = {
    "attempts": "all its attempts failed",
    "refused": "it was refused",
    "unknown": "a run was cut off",
    "broken": "its history cannot be read",
    "paused": "its hook was paused; put aside",
    "following": "effects from version {version} on are being caught up",
    "definition": "version {version} is of a definition that was not deployed; put aside",
    "lost": "the stream did not bring version {version}; reconciled",
}


def _timer(found: EntityRecords, now: datetime) -> Iterator[Reason]:
    timer, entity = found.timer, found.entity
    if timer is None or entity is None or timer.version != entity.version:
        return
    if timer.refused:
        yield Reason(f"its timer {timer.trigger!r} was refused at {_at(timer.at)}: {timer.refused}")
    else:
        yield Reason(f"its timer fires {timer.trigger!r} {_due(timer.at, now)}, if it is still here")


def _triggers(runtime: Runtime, entity: Entity) -> Iterator[Reason]:
    definition = runtime.get_definition(entity.kind)
    if entity.state not in definition.states:
        yield Reason(f"its state {entity.state!r} is not in the definition in force", "declare it, with a way out")
        return
    ways = [t for t in definition.transitions if t.source == entity.state]
    if not ways:
        yield Reason(f"{entity.state!r} is final: it is where it was going")
    for way in ways:
        guard = f" if {way.guard}" if way.guard else ""
        yield Reason(f"from here, {way.trigger!r} leads to {way.target!r}{guard}")


def _violations(found: EntityRecords) -> Iterator[Reason]:
    for violation in found.violations:
        yield Reason(f"was changed past the framework at {_at(violation.at)}: {violation.reason}")


def _at(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S}Z"


def _due(moment: datetime, now: datetime) -> str:
    return f"in {_span(moment - now)}" if moment > now else "with the next sweep"


def _ago(now: datetime, moment: datetime) -> str:
    return f"{_span(now - moment)} ago"


def _span(length: timedelta) -> str:
    seconds = max(0, int(length.total_seconds()))
    return written(seconds if seconds < 3600 else seconds // 60 * 60)
