"""The store behind a bad network."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import islice

from workflow.engine.entity import Entity
from workflow.engine.events import Event
from workflow.runtime.ports import Contested, Listed, Request, SetTimer, Violation, Write
from workflow.testing.simulation.fated_lanes import FatedLanes

_PAGE = 3


class FatedStore(FatedLanes):
    """A Store whose calls meet their fate."""

    region = ""

    def find_entity(self, kind: str, entity_id: str) -> Entity | None:
        """The entity as it is now."""
        table = self._world.table
        return self._call(
            self._world.profile.read, lambda: table.find_entity(kind, entity_id), "find_entity", kind, entity_id
        )

    def commit(self, write: Write) -> Contested | None:
        """Writes all of it, or nothing."""
        # DynamoDB remembers a token for ten minutes; both must be right.
        remembers = not self._world.fate.happens(4 if self._world.table.is_known(write.token) else 0)
        if self._world.lane_watch:
            self._world.lane_watch.note_sent(write)
        return self._call(
            self._world.profile.commit,
            lambda: self._world.table.commit_once(write, remembers=remembers),
            "commit",
            write.event.kind,
            write.event.entity_id,
            f"v{write.event.version}",
            repr(write.event.trigger),
        )

    def find_event(self, kind: str, entity_id: str, version: int) -> Event | None:
        """The event that made the version."""
        table = self._world.table
        return self._call(
            self._world.profile.read,
            lambda: table.find_event(kind, entity_id, version),
            "find_event",
            kind,
            entity_id,
            version,
        )

    def events(self, kind: str, entity_id: str, *, after: int = 0, limit: int | None = None) -> Iterator[Event]:
        """The events above `after`, in pages, each read when it is come to."""
        table = self._world.table

        def read(first: int, count: int) -> list[Event]:
            return self._call(
                self._world.profile.read,
                lambda: list(table.events(kind, entity_id, after=first, limit=count)),
                "events",
                kind,
                entity_id,
                f"after v{first}",
            )

        def pages() -> Iterator[Event]:
            at = after
            while True:
                page = read(at, _PAGE)
                yield from page
                if len(page) < _PAGE:
                    return
                at = page[-1].version

        return islice(pages(), limit)

    def find_request(self, kind: str, entity_id: str, request_id: str) -> Request | None:
        """What the request id was used for."""
        table = self._world.table
        return self._call(
            self._world.profile.read,
            lambda: table.find_request(kind, entity_id, request_id),
            "find_request",
            kind,
            entity_id,
            request_id,
        )

    def listing(self, kind: str, state: str, *, after: str = "", limit: int | None = None) -> Iterator[Listed]:
        """The entities of the kind in the state; may lag."""
        table = self._world.table
        found = self._lagging(lambda: list(table.listing(kind, state, after=after)), "listing", kind, state)
        return iter(found[:limit])

    def find_timer(self, kind: str, entity_id: str) -> SetTimer | None:
        """The timer that was set last."""
        table = self._world.table
        return self._call(
            self._world.profile.read, lambda: table.find_timer(kind, entity_id), "find_timer", kind, entity_id
        )

    def due_timers(self, now: datetime) -> Iterator[SetTimer]:
        """The timers that are due; may lag."""
        table = self._world.table
        return iter(self._lagging(lambda: list(table.due_timers(now)), "due_timers"))

    def change_timer(self, found: SetTimer, timer: SetTimer | None) -> None:
        """Puts another timer in the place of `found`."""
        table = self._world.table
        self._call(
            self._world.profile.write,
            lambda: table.change_timer(found, timer),
            "change_timer",
            found.kind,
            found.entity_id,
            f"v{found.version}",
        )

    def record_violation(self, violation: Violation) -> None:
        """Keeps the violation."""
        table = self._world.table
        self._call(
            self._world.profile.write,
            lambda: table.record_violation(violation),
            "record_violation",
            violation.kind,
            violation.entity_id,
            violation.reason,
        )

    def violations(self, kind: str, entity_id: str) -> Sequence[Violation]:
        """The violations recorded for the entity."""
        table = self._world.table
        return self._call(
            self._world.profile.read, lambda: table.violations(kind, entity_id), "violations", kind, entity_id
        )
