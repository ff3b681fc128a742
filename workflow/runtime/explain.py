"""Explain: the one answer to "why is it not moving?"."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from workflow.definition.definition import State, Transition
from workflow.definition.durations import written
from workflow.definition.undo_names import hook_of
from workflow.engine.entity import Entity
from workflow.engine.events import FoldError
from workflow.engine.place import Place
from workflow.errors import EntityNotFoundError, HistoryConflictError
from workflow.runtime.home import away
from workflow.runtime.lane_view import LaneView, is_judged, misplaced, refusal_to_start, told_place, view_lane
from workflow.runtime.ledger_entry import LedgerEntry, Parked
from workflow.runtime.ports import Pause, SetTimer
from workflow.runtime.records import EntityRecords, Records
from workflow.runtime.runtime import Runtime
from workflow.runtime.standing import Standing, first_open, standings

RESTORE = "restore it from its history or a backup"

_MOST_NAMED = 5


class Reason(NamedTuple):
    """One thing that holds an entity up, or that it waits for: what, and the way out ('' if there is nothing to do)."""

    what: str
    way_out: str = ""


class Explanation(NamedTuple):
    """Where an entity stands and why; the first of at least one reason is the one that matters.

    `blocking` are the effects that all later ones, `waiting`, wait behind. `timer` is what fires by itself, `ways` are
    the transitions that lead on from here, `lane` is the one that it waits or runs in. `now` is when it was asked.
    """

    entity: Entity
    now: datetime
    reasons: Sequence[Reason]
    blocking: Standing | None = None
    waiting: Sequence[Standing] = ()
    timer: SetTimer | None = None
    ways: Sequence[Transition] = ()
    lane: LaneView | None = None


def command(*words: str) -> str:
    """A line for a shell: `workflow redrive order 42`; a strange id is quoted, since people copy the line."""
    verb, *arguments = words
    dashes = ["--"] if any(argument.startswith("-") for argument in arguments) else []
    return shlex.join(["workflow", verb, *dashes, *arguments])


def explain(runtime: Runtime, records: Records, kind: str, entity_id: str) -> Explanation:
    """Why the entity is where it is, by consistent reads; raises EntityNotFoundError, HistoryConflictError if it cannot
    be read, and what the store raises."""
    found = records.of(kind, entity_id)
    entity, now = _entity(found), runtime.clock.now()
    if entity.home != runtime.region:
        told = f"{away(runtime, entity.home)}; what this table has of it is a copy, which may be behind"
        return Explanation(entity, now, [Reason(told, "ask there")])
    damaged = [Reason(text) for text in found.damaged.values()]
    try:
        owing = standings(found, runtime.definitions)
    except FoldError as error:
        return Explanation(entity, now, [*damaged, Reason(f"its history cannot be read: {error}", RESTORE)])
    blocking = first_open(owing)
    waiting = [s for s in owing if blocking and s.event.version > blocking.event.version and not s.settled]
    timer = found.timer if found.timer and found.timer.version == entity.version else None
    definition = runtime.get_definition(kind)
    ways = [way for way in definition.transitions if way.source == entity.state]
    lane = view_lane(runtime, entity.place.at(kind)) if entity.place else None
    held = _held_by_lane(runtime, entity, lane, now)
    alone = not blocking and (held is None or bool(timer and timer.refused))
    reasons = [
        *damaged,
        *(_effects(runtime.ledger.pauses(), blocking, now) if blocking else ()),
        *([held] if held else ()),
        *(_place(entity, timer, ways, definition.states.get(entity.state), now) if alone else ()),
        *(_slot(entity.place, lane, now) if held is None and entity.place and lane else ()),
        *_violations(found),
    ]
    return Explanation(entity, now, reasons, blocking, waiting, timer, ways, lane)


def _entity(found: EntityRecords) -> Entity:
    if found.entity:
        return found.entity
    name = f"{found.kind} {found.entity_id}"
    for damaged in found.damaged.values():
        raise HistoryConflictError(f"{name}: {damaged}")
    kept = f" any more; its history of {len(found.events)} events is still there" if found.events else ""
    raise EntityNotFoundError(f"there is no {name}{kept}")


def _effects(pauses: Mapping[str, Pause], blocking: Standing, now: datetime) -> Iterator[Reason]:
    entry, version = blocking.entry, blocking.event.version
    if blocking.hooks is None:
        yield Reason(
            f"version {blocking.event.definition} of its definition is not loaded here; what version {version} owes is "
            f"not known",
            "deploy that version, beside the one in force if need be",
        )
    hook = (entry.first_open if entry else "") or next(iter(blocking.hooks or ()), "")
    pause = pauses.get(hook_of(hook))
    if pause and not (entry and entry.parked and entry.parked.next_at is None):
        yield Reason(
            f"{hook!r} of version {version} waits: the hook is paused since {_at(pause.since)}: {pause.reason}",
            command("resume", hook_of(hook)),
        )
    else:
        yield _entry(blocking, entry, now)


def _entry(blocking: Standing, entry: LedgerEntry | None, now: datetime) -> Reason:
    version = blocking.event.version
    if entry is None:
        return Reason(
            f"the effects of version {version} were not begun yet (it was made {_ago(now, blocking.event.at)})",
            f"if this lasts longer than the stream takes: {command('reconcile')}",
        )
    if entry.is_held(now):
        return Reason(f"{entry.first_open!r} of version {version} is being run, until {_at(entry.lease_until)} at most")
    if entry.parked:
        return _parked(entry, entry.parked, now)
    return Reason(
        f"a run of {entry.first_open!r} of version {version} was cut off; the stream delivers it again",
        f"if this lasts: {command('reconcile')}",
    )


def _parked(entry: LedgerEntry, parked: Parked, now: datetime) -> Reason:
    hook = parked.hook or entry.first_open
    attempts = entry.outcomes[hook].attempts if hook in entry.outcomes else 0
    since = f"since {_at(parked.since)} ({_ago(now, parked.since)})"
    subject = f"{hook!r} of version {entry.version}" if hook else f"version {entry.version}"
    name = (entry.kind, entry.entity_id)
    if parked.next_at is None:
        what = f"{subject} waits for a person {since}: {_WHY[parked.why]}{_attempts(attempts)}: {parked.error}"
        skip = f" or {command('skip', *name)} --reason '...'" if hook else ""
        if entry.entity_id.startswith("-"):
            skip = f" or workflow skip --reason '...' {shlex.join(['--', *name])}"
        return Reason(what, command("redrive", *name) + skip)
    if parked.why == "released":
        return Reason(f"{subject} was let go {since}; it goes on {due_in(parked.next_at, now)}")
    if parked.why == "retry":
        what = f"{subject} failed{_attempts(attempts)}: {parked.error}; put aside {since}"
        return Reason(f"{what}, next try {due_in(parked.next_at, now)}", f"sooner: {command('redrive', *name)}")
    what = _WHY[parked.why].format(version=entry.version)
    return Reason(f"{what} {since}; goes on {due_in(parked.next_at, now)}")


def _attempts(count: int) -> str:
    return f" (attempts: {count})" if count else ""


_WHY = {
    "attempts": "all its attempts failed",
    "refused": "it was refused, and trying again would change nothing",
    "unknown": "a run was cut off, and nobody knows whether it happened",
    "broken": "its history cannot be read",
    "paused": "its hook was paused; put aside",
    "following": "effects from version {version} on are being caught up",
    "definition": "version {version} is of a definition that was not deployed; put aside",
    "lost": "the stream did not bring version {version}; reconciled",
}


def _place(
    entity: Entity, timer: SetTimer | None, ways: Sequence[Transition], state: State | None, now: datetime
) -> Iterator[Reason]:
    """Why it is where it is, if no effect holds it up."""
    if state is None:
        yield Reason(f"its state {entity.state!r} is not in the definition in force", "declare it, with a way out")
    elif state.final:
        yield Reason(f"nothing holds it up: {entity.state!r} is final, it is where it was going")
    elif not ways:
        yield Reason(f"nothing leads on from {entity.state!r}", "declare a transition from there, or call it final")
    elif timer and timer.refused:
        by_hand = command("fire", entity.kind, entity.id, timer.trigger)
        fired = f"its timer fired {timer.trigger!r} at {_at(timer.at)}, which was refused: {timer.refused}"
        yield Reason(fired, f"by hand: {by_hand}")
    elif timer:
        yield Reason(f"nothing holds it up: it waits for a trigger, or for its timer {due_in(timer.at, now)}")
    else:
        yield Reason("nothing holds it up: it waits for a trigger")


def _held_by_lane(runtime: Runtime, entity: Entity, view: LaneView | None, now: datetime) -> Reason | None:
    """That it waits for its turn, or that lane and entity do not agree; no effect holds a start up."""
    place = entity.place
    wrong = misplaced(runtime.definitions, entity.kind, entity.state, place)
    if wrong and is_judged(runtime.definitions, entity):
        return Reason(wrong, command("reconcile"))
    if place is None or view is None:
        return None
    if not view.holds(entity.id, place):
        return Reason(f"it has {told_place(place)} in {_named(place)}, which does not know of it", command("reconcile"))
    if not place.is_waiting:
        return None
    return _turn(runtime, entity, f"waits in {_named(place)} since {span(now - place.since)}", view, now)


def _slot(place: Place, view: LaneView, now: datetime) -> Iterator[Reason]:
    of = "" if view.limit is None else f" of {view.limit}"
    yield Reason(f"has slot {place.slot}{of} in {_named(place)} since {span(now - place.since)}")


def _named(place: Place) -> str:
    return f"lane {place.lane}" + (f" for {place.key!r}" if place.key else "")


def _turn(runtime: Runtime, entity: Entity, waits: str, view: LaneView, now: datetime) -> Reason:
    first = [row.entity_id for row in view.waiting]
    ahead = f"{first.index(entity.id):,} ahead" if entity.id in first else f"more than {len(first):,} ahead"
    if view.limit is None:
        return Reason(f"{waits}, {ahead}; how many may run is not known: {view.unknown}", "mend the limit")
    if not view.free:
        return Reason(f"{waits}: {_taken(view, view.limit, now)}, {ahead}")
    free = f"{waits}: {len(view.free)} of {view.limit} slots free, {ahead}"
    lane = view.lane.lane
    trigger = runtime.get_definition(entity.kind).lanes[lane].trigger
    refused = refusal_to_start(runtime, entity, lane)
    if refused:
        return Reason(f"{free}, and {trigger!r} is refused: {refused}", "it is asked again every minute")
    return Reason(
        f"{free}, and {trigger!r} would be accepted: the stream or the sweeper has yet to come to it",
        f"if this lasts longer than two minutes: {command('reconcile')}",
    )


def _taken(view: LaneView, limit: int, now: datetime) -> str:
    who = [f"{view.lane.kind} {row.entity_id} since {span(now - row.place.since)}" for row in view.running]
    if not limit:
        return "its limit is 0"
    told = ", ".join(who[:_MOST_NAMED]) + (" ..." if len(who) > _MOST_NAMED else "")
    if limit == 1 == len(who):
        return f"slot held by {told}"
    return f"{len(who)} of {limit} slots taken" + (f": {told}" if told else "")


def _violations(found: EntityRecords) -> Iterator[Reason]:
    for violation in found.violations:
        yield Reason(f"was changed past the framework at {_at(violation.at)}: {violation.reason}")


def _at(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S}Z"


def due_in(moment: datetime, now: datetime) -> str:
    """`in 5m`, or that its time has come."""
    return f"in {span(moment - now)}" if moment > now else "with the next sweep"


def _ago(now: datetime, moment: datetime) -> str:
    return f"{span(now - moment)} ago"


def span(length: timedelta) -> str:
    """A length of time as people write it, to the minute from an hour on."""
    seconds = max(0, int(length.total_seconds()))
    return written(seconds if seconds < 3600 else seconds // 60 * 60)
