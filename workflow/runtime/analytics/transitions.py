"""Transitions as rows: what an analyst gets to see of each event, and how long the stays around it were."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import NamedTuple

from workflow.definition.definition import Definitions
from workflow.definition.values import Value
from workflow.engine.events import Event
from workflow.runtime.analytics.histories import History
from workflow.runtime.analytics.openly import Openly, Secrets
from workflow.runtime.analytics.stays import Stay, begins_stay, stays
from workflow.runtime.archives.line import exact_json


class Transition(NamedTuple):
    """One transition of one entity; None where there is nothing to say. Times are ISO 8601 in UTC.

    `left_at` is when the entity left `to_state` for another state, None: it is still there.
    `seconds_in_previous_state` is how long it had been in `from_state`, None where it did not leave it. `payload` and
    `changes` are JSON texts without what is sensitive, None of a kind that has no definition here.
    """

    id: str
    version: int
    event_id: str
    trigger: str
    from_state: str | None
    to_state: str
    happened_at: str
    left_at: str | None
    seconds_in_previous_state: float | None
    definition: int
    asked_by: str | None
    request_id: str | None
    cause: str | None
    payload: str | None
    changes: str | None


class Partition(NamedTuple):
    """Where a row lies: by its kind, and the day in UTC on which the transition happened."""

    kind: str
    day: str

    @property
    def folder(self) -> str:
        """As Hive, Athena, DuckDB and Spark understand it."""
        return f"kind={self.kind}/day={self.day}"


class Rows:
    """Makes rows of histories; `unknown` counts the entities of kinds that have no definition here, by kind."""

    def __init__(self, definitions: Definitions) -> None:
        self._definitions = definitions
        self._kinds: dict[str, Openly] = {}

    def openly(self, kind: str) -> Openly:
        """What may be shown of the kind."""
        return self._kinds.setdefault(kind, Openly(self._definitions, kind))

    def of(self, history: History) -> Iterator[tuple[Partition, Transition]]:
        """A row for each event, with the place where it lies."""
        openly = self.openly(history.kind)
        secrets = openly.secrets(history.events)
        found, current = stays(history.events), -1
        for event in history.events:
            left: Stay | None = None
            if begins_stay(event):
                left = found[current] if current >= 0 else None
                current += 1
            yield Partition(event.kind, _day(event.at)), _row(event, openly, secrets, found[current].until, left)


def _row(event: Event, openly: Openly, secrets: Secrets, left_at: datetime | None, left: Stay | None) -> Transition:
    def shown(values: Mapping[str, Value]) -> str | None:
        return exact_json(openly.values(values, secrets)) if openly.is_known else None

    return Transition(
        id=event.entity_id,
        version=event.version,
        event_id=event.id,
        trigger=event.trigger,
        from_state=event.source or None,
        to_state=event.target,
        happened_at=_time(event.at),
        left_at=_time(left_at) if left_at else None,
        seconds_in_previous_state=left.seconds(event.at) if left else None,
        definition=event.definition,
        asked_by=secrets.hidden_in(event.by) or None,
        request_id=secrets.hidden_in(event.request_id) or None,
        cause=event.cause or None,
        payload=shown(event.payload),
        changes=shown(event.changes),
    )


def _day(moment: datetime) -> str:
    return moment.astimezone(UTC).date().isoformat()


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
