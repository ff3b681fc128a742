"""An entity: one order, one job, as its last event left it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from workflow.definition.values import Value
from workflow.engine.place import Place


class Entity(NamedTuple):
    """One entity at one version; `data` must not be changed in place.

    `definition` is the definition version of its last event, `event_id` and `trigger` are that event's, `depth`
    counts the effects that led to it one from another (0: somebody outside asked), `owing` is the version of its last
    event that owes effects (0: none did), `place` is where it stands in a lane, `trace` its last event's, `home` the
    region where it may be written ('' where its table is no global one). Times are aware, in UTC.
    """

    kind: str
    id: str
    state: str
    version: int
    data: Mapping[str, Value]
    definition: int
    event_id: str
    trigger: str
    created_at: datetime
    changed_at: datetime
    depth: int = 0
    owing: int = 0
    place: Place | None = None
    trace: str = ""
    home: str = ""

    @property
    def key(self) -> str:
        """`kind#id`, by which the entity is known everywhere."""
        return f"{self.kind}#{self.id}"

    def __repr__(self) -> str:
        # Without the data, which may hold sensitive fields: a repr ends up in logs.
        return f"Entity({self.kind!r}, {self.id!r}, state={self.state!r}, version={self.version})"
