"""An entity: one order, one job, as its last event left it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from workflow.definition.values import Value


@dataclass(frozen=True, slots=True)
class Entity:
    """One entity at one version; `data` must not be changed in place.

    `definition` is the definition version of its last event, `event_id` and `trigger` are that event's, `depth`
    counts the effects that led to it one from another (0: somebody outside asked). Times are aware, in UTC.
    """

    kind: str
    id: str
    state: str
    version: int
    # Kept out of repr, like every place where a sensitive field could be: a repr ends up in logs.
    data: Mapping[str, Value] = field(repr=False)
    definition: int
    event_id: str
    trigger: str
    created_at: datetime
    changed_at: datetime
    depth: int = 0

    @property
    def key(self) -> str:
        """`kind#id`, by which the entity is known everywhere."""
        return f"{self.kind}#{self.id}"
