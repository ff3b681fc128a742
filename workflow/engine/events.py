"""Events, and what they make of an entity: the whole of event sourcing, without the definition's help.

Event and Entity are named tuples because they are made on every hot path: frozen dataclasses of their size take
three times as long to make.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import NamedTuple

from workflow.definition.values import Value
from workflow.engine.entity import Entity
from workflow.engine.place import Place

_NOTHING: Mapping[str, Value] = {}


class Event(NamedTuple):
    """A recorded fact: the entity made this transition, as version `version`.

    `source` is '' for the first event. `changes` holds the fields of the data that the event set, and None for those
    it cleared. `cause` is the key of the effect that asked, or ''. `owing` is the version of the last event up to this
    one that owes effects, 0 if none did: the chain along which effects are run in order. `place` is where in a lane the
    entity stands since then. `trace` is what a tracer goes on from, '' if nobody traced it. `home` is the region where
    the entity may be written, which its first event says. `at` is aware, in UTC.
    """

    kind: str
    entity_id: str
    version: int
    id: str
    trigger: str
    source: str
    target: str
    at: datetime
    definition: int
    payload: Mapping[str, Value] = _NOTHING
    changes: Mapping[str, Value] = _NOTHING
    by: str = ""
    request_id: str = ""
    cause: str = ""
    depth: int = 0
    owing: int = 0
    place: Place | None = None
    trace: str = ""
    home: str = ""

    def __repr__(self) -> str:
        # Without payload and changes, which may hold sensitive fields: a repr ends up in logs.
        step = f"{self.trigger!r} {self.source!r} -> {self.target!r}"
        return f"Event({self.kind!r}, {self.entity_id!r}, version={self.version}, {step}, id={self.id!r})"


class FoldError(ValueError):
    """The events do not follow one on another; the message says where."""


def evolve(entity: Entity | None, event: Event) -> Entity:
    """The entity after the event; raises FoldError unless the event is the next one."""
    folded = fold([event], entity)
    assert folded is not None
    return folded


def fold(events: Iterable[Event], entity: Entity | None = None) -> Entity | None:
    """The entity after all the events, starting from `entity` or from nothing; raises FoldError at a gap."""
    last: Event | None = None
    version, state = (entity.version, entity.state) if entity else (0, "")
    data: dict[str, Value] = dict(entity.data) if entity else {}
    created_at, home = (entity.created_at, entity.home) if entity else (None, "")
    for event in events:
        if event.version != version + 1 or event.source != state:
            raise FoldError(
                f"{event.kind} {event.entity_id}: event {event.version} from {event.source or 'nothing'!r} "
                f"does not follow version {version} in {state or 'nothing'!r}"
            )
        version, state, last = event.version, event.target, event
        if event.changes:
            data.update(event.changes)
        if created_at is None:
            created_at, home = event.at, event.home
    if last is None or created_at is None:
        return entity
    return Entity(
        kind=last.kind,
        id=last.entity_id,
        state=state,
        version=version,
        data={name: value for name, value in data.items() if value is not None},
        definition=last.definition,
        event_id=last.id,
        trigger=last.trigger,
        created_at=created_at,
        changed_at=last.at,
        depth=last.depth,
        owing=last.owing,
        place=last.place,
        trace=last.trace,
        home=home,
    )
