"""Stays: how long an entity was in each state, whatever happened to it there. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from workflow.engine.events import Event


class Stay(NamedTuple):
    """One stay in one state; `until` None: the entity is still there."""

    state: str
    since: datetime
    until: datetime | None = None

    def seconds(self, now: datetime) -> float:
        """How long it lasted, or has lasted until now; never below 0, for the clocks of two machines differ."""
        return max(((self.until or now) - self.since).total_seconds(), 0.0)


def begins_stay(event: Event) -> bool:
    """Whether the event leads into another state; one that leads back where it came from ends no stay."""
    return event.source != event.target or event.version == 1


def stays(events: Iterable[Event]) -> list[Stay]:
    """The stays that the events of one entity make, in order."""
    found: list[Stay] = []
    for event in events:
        if not begins_stay(event):
            continue
        if found:
            found[-1] = found[-1]._replace(until=event.at)
        found.append(Stay(event.target, event.at))
    return found
