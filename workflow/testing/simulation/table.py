"""The table in memory as the simulator needs it: with transaction tokens, raw writes, and an eye on the ledger."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from workflow.engine.entity import Entity
from workflow.engine.events import Event
from workflow.engine.place import LaneKey, Place
from workflow.errors import HistoryConflictError
from workflow.runtime.changes import Change, Copies
from workflow.runtime.lane_ports import InLane, WatchedLane
from workflow.runtime.ledger_entry import LedgerEntry
from workflow.runtime.ports import Contested, SetTimer, Write
from workflow.testing.memory import MemoryStore
from workflow.testing.simulation.log import Key, Log, RawWrite
from workflow.testing.simulation.scheduler import Scheduler

if TYPE_CHECKING:
    from workflow.testing.simulation.lane_watch import LaneWatch

_EVER = datetime.max.replace(tzinfo=UTC)


class Table(MemoryStore):
    """A store in memory that lets the simulator look at everything, without an I/O."""

    def __init__(self, scheduler: Scheduler, log: Log) -> None:
        super().__init__()
        self._scheduler, self._log = scheduler, log
        self._sent: dict[str, Write] = {}
        self._applied: set[str] = set()
        self.lane_watch: LaneWatch | None = None

    def commit_once(self, write: Write, *, remembers: bool) -> Contested | None:
        """Commits as DynamoDB does under a token: the same one again is the same success, while it is remembered."""
        earlier = self._sent.setdefault(write.token, write)
        if earlier != write:
            self._log.breach(10, f"the token {write.token} of {earlier.event} was used for {write.event} as well")
        if write.token in self._applied and remembers:
            return None
        before = self.entry(write.settles.after) if write.settles else None
        contested = self.commit(write)
        if contested is None:
            event = write.event
            self._applied.add(write.token)
            self._log.committed_at[(event.kind, event.entity_id, event.version)] = self._scheduler.now
            if write.settles:
                self.watch(before, self.entry(write.settles.after))
            if self.lane_watch:
                self.lane_watch.note_commit(write)
        return contested

    def is_known(self, token: str) -> bool:
        """Whether a write was made under the token."""
        return token in self._applied

    def entry(self, entry: LedgerEntry) -> LedgerEntry | None:
        """The ledger's entry in the same place."""
        return self.ledger.find(*entry[:3])

    def watch(self, before: LedgerEntry | None, after: LedgerEntry | None) -> None:
        """Looks at what a write did to an entry of the ledger."""
        if after is None or before is after:
            return
        if after.parked and after.parked.why not in ("following", "lost"):
            self._log.held_up.add((after.kind, after.entity_id))
        for hook, outcome in after.outcomes.items():
            was = before.outcomes.get(hook) if before else None
            if outcome.status == "failed" or (was is not None and outcome.forgiven > was.forgiven):
                # Whoever ran it says that it must run again, or a person does.
                self._log.cut_off.discard(f"{after.kind}#{after.entity_id}#{after.version}#{hook}")
            if was is not None and was.settled:
                if outcome != was:
                    self._log.breach(
                        4, f"{after}: {hook!r} was {was.status} already, and became {outcome.status} again"
                    )
            elif outcome.settled:
                self._log.note_settled(after, hook, self._scheduler.now)

    def entity(self, key: Key) -> Entity | None:
        """The entity as it is; not to be changed."""
        return self._entities.get(key)

    def version(self, key: Key) -> int:
        """The entity's version, 0 if there is none."""
        entity = self._entities.get(key)
        return entity.version if entity else 0

    def event(self, key: Key, version: int) -> Event | None:
        """The event that made the version; not to be changed."""
        return self._events.get(key, {}).get(version)

    def history(self, key: Key) -> list[Event]:
        """All its events, in version order; not to be changed."""
        own = self._events.get(key, {})
        return [own[version] for version in sorted(own)]

    def timer(self, key: Key) -> SetTimer | None:
        """The timer that stands there."""
        return self._timers.get(key)

    def request_items(self) -> dict[tuple[str, str, str], tuple[int, str]]:
        """Version and event of every request item."""
        return {key: (request.version, request.event_id) for key, request in self._requests.items()}

    def write_raw(self, key: Key, state: str, *, raises_version: bool) -> None:
        """Changes the entity's state as somebody with the AWS console would."""
        before = self._entities[key]
        after = before._replace(state=state, version=before.version + raises_version)
        self._entities[key] = after
        self._stream.append(_raw_change(before, after))
        self._log.raw.append(RawWrite(key, before.version, after.version, before.state, after.state))
        if self.lane_watch:
            self.lane_watch.note_by_hand(key)

    def delete_raw(self, key: Key) -> None:
        """Deletes the entity, and not its history, as somebody with the AWS console would."""
        before = self._entities.pop(key)
        self._stream.append(_raw_deletion(before))
        self._log.raw.append(RawWrite(key, before.version, 0, before.state, ""))
        if self.lane_watch:
            self.lane_watch.note_by_hand(key)

    def delete_row_raw(self, lane: LaneKey, row: InLane) -> None:
        """Deletes the row of a lane as somebody with the AWS console would."""
        self._lanes.leave(lane, row)
        if self.lane_watch:
            self.lane_watch.note_by_hand((lane.kind, row.entity_id), moved=False)

    def lane_rows(self) -> Iterator[tuple[LaneKey, InLane]]:
        """Every row of every lane."""
        for lane in self.lane_keys():
            found = self._lanes.state(lane, len(self._entities) + 1)
            yield from ((lane, row) for row in (*found.running, *found.waiting))

    def move_in_lane(self, entity: Entity, place: Place | None) -> bool:
        """Gives the entity another place; whoever was moved has no history of it."""
        moved = super().move_in_lane(entity, place)
        if moved and entity.place != place:
            self._log.moved.add((entity.kind, entity.id))
        return moved

    def watched(self) -> list[WatchedLane]:
        """Every lane that a sweeper is to look at, whenever that is."""
        return list(self._lanes.watched(_EVER))


def _raw_deletion(before: Entity) -> Change:
    return _raw_change(before, before)._replace(
        version=0, target="", snapshots=_Gone(before), gone="the entity was deleted by hand", place=None
    )


class _Gone(Copies):
    """Snapshots of an entity after which there is none."""

    def __init__(self, before: Entity) -> None:
        super().__init__(before, before)

    def after(self) -> Entity:
        """There is none; raises HistoryConflictError."""
        raise HistoryConflictError("the entity was deleted by hand")


def _raw_change(before: Entity, after: Entity) -> Change:
    return Change(
        kind=after.kind,
        entity_id=after.id,
        before_version=before.version,
        version=after.version,
        source=before.state,
        target=after.state,
        definition=after.definition,
        trigger=after.trigger,
        position="",
        snapshots=Copies(before, after),
        follows=before.owing,
        left=before.place,
        place=after.place,
        created=after.created_at.isoformat(),
    )
