"""Explain: the one answer to "why is it not moving?"."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from workflow.definition.definition import State, Transition
from workflow.engine.entity import Entity
from workflow.engine.events import FoldError
from workflow.errors import EntityNotFoundError, HistoryConflictError
from workflow.runtime.explain_effects import blocking_effects
from workflow.runtime.explain_lane import held_by_lane, slot_held
from workflow.runtime.home import away
from workflow.runtime.lane_view import LaneView, view_lane
from workflow.runtime.ports import SetTimer
from workflow.runtime.reason import RESTORE, Reason, at, command, due_in
from workflow.runtime.records import EntityRecords, Records
from workflow.runtime.runtime import Runtime
from workflow.runtime.standing import Standing, first_open, standings


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
    held = held_by_lane(runtime, entity, lane, now)
    alone = not blocking and (held is None or bool(timer and timer.refused))
    reasons = [
        *damaged,
        *(blocking_effects(runtime.ledger.pauses(), blocking, now) if blocking else ()),
        *([held] if held else ()),
        *(_place(entity, timer, ways, definition.states.get(entity.state), now) if alone else ()),
        *(slot_held(entity.place, lane, now) if held is None and entity.place and lane else ()),
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
        fired = f"its timer fired {timer.trigger!r} at {at(timer.at)}, which was refused: {timer.refused}"
        yield Reason(fired, f"by hand: {by_hand}")
    elif timer:
        yield Reason(f"nothing holds it up: it waits for a trigger, or for its timer {due_in(timer.at, now)}")
    else:
        yield Reason("nothing holds it up: it waits for a trigger")


def _violations(found: EntityRecords) -> Iterator[Reason]:
    for violation in found.violations:
        yield Reason(f"was changed past the framework at {at(violation.at)}: {violation.reason}")
