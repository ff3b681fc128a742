"""Lanes as people look at them: how many may run, who runs, who waits, and whether entities and lanes agree."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from workflow.definition.definition import Definition, Definitions
from workflow.definition.values import UnfitValueError
from workflow.engine.entity import Entity
from workflow.engine.events import Event
from workflow.engine.place import LaneKey, Place
from workflow.errors import HistoryConflictError, LimitError, PayloadError, Refused
from workflow.runtime.lane_ports import InLane, LaneState
from workflow.runtime.runtime import Runtime
from workflow.runtime.slots import free_slots, limit_of

MOST_WAITING = 1000
"""So many of those that wait are shown of one lane."""

ALL = 10_000
"""So many of those that wait are looked at by whoever looks at a whole lane."""

_MOST_LANES = 1000


class LaneView(NamedTuple):
    """One lane as a consistent read shows it; `limit` is None if it is not known, and `unknown` says why.

    `is_whole` says whether nobody waits behind those in `waiting`. `watched` is when a sweeper looks at it next.
    """

    lane: LaneKey
    limit: int | None
    running: Sequence[InLane]
    waiting: Sequence[InLane]
    is_whole: bool
    watched: datetime | None
    unknown: str = ""

    @property
    def is_occupied(self) -> bool:
        """Whether somebody is in it, or there is something wrong with it."""
        return bool(self.running or self.waiting or self.unknown)

    @property
    def free(self) -> Sequence[int]:
        """The slots that may be taken now; none if the limit is not known."""
        return [] if self.limit is None else free_slots(self.running, self.limit)

    def holds(self, entity_id: str, place: Place) -> bool:
        """Whether the entity has that place, as far as the lane was read."""
        return _is_among(entity_id, place, [*self.running, *self.waiting], self.is_whole)


def _is_among(entity_id: str, place: Place, rows: Collection[InLane], is_whole: bool) -> bool:
    return InLane(entity_id, place) in rows or (place.is_waiting and not is_whole)


def view_lane(runtime: Runtime, lane: LaneKey) -> LaneView:
    """The lane as it is now; that its limit cannot be told, or that its rows were damaged by hand, is no error."""
    try:
        return viewed(runtime, lane, runtime.store.lane(lane, waiting=MOST_WAITING))
    except HistoryConflictError as error:
        return LaneView(lane, None, [], [], True, None, str(error))


def viewed(runtime: Runtime, lane: LaneKey, found: LaneState) -> LaneView:
    """The lane as it was read, with its limit."""
    definition = runtime.definitions.find(lane.kind)
    declared = definition.lanes.get(lane.lane) if definition else None
    limit, unknown = None, "the definition in force has no such lane"
    if declared is not None:
        try:
            limit, unknown = limit_of(runtime, declared, lane.key), ""
        except LimitError as error:
            cause = error.__cause__
            failed = f"the limit {declared.limit_function!r} failed: {type(cause).__name__}"
            unknown = failed if cause else str(error)
    return LaneView(lane, limit, *found, unknown)


def occupied_lanes(runtime: Runtime, kind: str | None, lane: str | None, key: str | None) -> list[LaneKey]:
    """The lanes of that kind, name and key in which somebody was moments ago, in order; None: of any.

    Raises UnknownKindError, and PayloadError for a lane that no definition has.
    """
    definitions = [runtime.get_definition(name) for name in ([kind] if kind is not None else runtime.definitions.kinds)]
    if lane is not None:
        _check_lane(lane, definitions)
    if kind is not None and lane is not None and key is not None:
        return [LaneKey(kind, lane, key)]
    found = {place.at(d.kind) for d in definitions for place in _places(runtime, d)}
    return sorted(one for one in found if lane in (None, one.lane) and key in (None, one.key))


def _check_lane(lane: str, definitions: Sequence[Definition]) -> None:
    known = [f"{name} of {definition.kind}" for definition in definitions for name in definition.lanes]
    if not any(lane in definition.lanes for definition in definitions):
        raise PayloadError(f"there is no lane {lane!r}; there are: {', '.join(known) or 'none'}")


def _places(runtime: Runtime, definition: Definition) -> Iterator[Place]:
    for state in definition.lane_of:
        for listed in runtime.store.listing(definition.kind, state):
            if listed.place is not None:
                yield listed.place


def told_place(place: Place | None) -> str:
    """`slot 3`, that it is one among the waiting, or that there is none."""
    if place is None:
        return "no place"
    return "a place among those that wait" if place.is_waiting else f"slot {place.slot}"


def misplaced(definitions: Definitions, kind: str, state: str, place: Place | None) -> str:
    """Why the place is none for an entity in that state, in words that quote no data; '' if it is one."""
    definition = definitions.find(kind)
    lane = definition.lane_of.get(state) if definition else None
    if definition is None or lane is None:
        # One in a lane that is declared no more is given back when the entity moves on.
        known = definition is not None and place is not None and place.lane in definition.lanes
        return f"{_has(place)}, and its state {state!r} belongs to no lane" if known and place else ""
    if place is None:
        return f"its state {state!r} belongs to lane {lane.name}, and it has no place there"
    if place.lane != lane.name:
        return f"{_has(place)}, and its state {state!r} belongs to lane {lane.name}"
    if place.is_waiting != (state == lane.waiting):
        return f"{_has(place)}, and its state is {state!r}"
    return ""


def _has(place: Place) -> str:
    return f"it has {told_place(place)} in lane {place.lane}"


def is_judged(definitions: Definitions, entity: Entity) -> bool:
    """Whether the definition in force here is not older than what moved the entity last."""
    definition = definitions.find(entity.kind)
    return definition is not None and entity.definition <= definition.version


def unfit(runtime: Runtime, entity: Entity) -> str:
    """Why the entity's data give it no place in the lane of its state; '' if they do."""
    placing = runtime.find_placing(entity.kind)
    try:
        if placing is not None:
            placing.of(entity)
    except UnfitValueError as error:
        return str(error)
    return ""


class LaneRows:
    """Whether lanes know of whoever says that it stands in them; for a walk over many entities, each lane is read once
    and then remembered. Only a "yes" can be believed without looking again."""

    def __init__(self, runtime: Runtime) -> None:
        self._store = runtime.store
        self._read: dict[LaneKey, tuple[Collection[InLane], bool]] = {}

    def know(self, kind: str, entity_id: str, place: Place | None, *, afresh: bool = False) -> bool:
        """Whether the place is the entity's, or it has none; `afresh`: by a read that is made now."""
        if place is None:
            return True
        lane = place.at(kind)
        kept = None if afresh else self._read.get(lane)
        if kept is None:
            found = self._store.lane(lane, waiting=ALL)
            kept = frozenset([*found.running, *found.waiting]), found.is_whole
            if len(self._read) >= _MOST_LANES:
                self._read.clear()
            self._read[lane] = kept
        return _is_among(entity_id, place, *kept)


def strays(runtime: Runtime, lane: LaneKey, found: LaneState) -> list[InLane]:
    """The places whose entity is gone or stands elsewhere, by two looks: one may fall into a transition."""
    suspects = [row for row in (*found.running, *found.waiting) if _stands_elsewhere(runtime, lane, row)]
    if not suspects:
        return []
    again = runtime.store.lane(lane, waiting=ALL)
    return [row for row in suspects if row in (*again.running, *again.waiting)]


def _stands_elsewhere(runtime: Runtime, lane: LaneKey, row: InLane) -> bool:
    entity = find_readable(runtime, lane, row)
    return entity is None or entity.place != row.place


def find_readable(runtime: Runtime, lane: LaneKey, row: InLane) -> Entity | None:
    """The entity of a row, None if there is none that can be read."""
    try:
        return runtime.store.find_entity(lane.kind, row.entity_id)
    except HistoryConflictError:
        return None


def refusal_to_start(runtime: Runtime, entity: Entity, lane: str) -> str:
    """Why the lane's trigger would be refused if it were fired now; '' if it would not be. Writes nothing."""
    # As in `Runtime`: deciding is imported where something is decided.
    from workflow.engine.decide import Command, decide

    trigger = runtime.get_definition(entity.kind).lanes[lane].trigger
    decided: Event | Refused = decide(
        runtime.machine(entity.kind), entity, Command(trigger, {}, event_id=""), runtime.clock.now()
    )
    return "" if isinstance(decided, Event) else str(decided)
