"""The stream and its event source mapping: shards, batches and retries by Lambda's rules, invocations as actors."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from workflow.aws.stream import partial_batch_response
from workflow.event_source import Answer, Batch, Lane, Lanes, Next, after_invocation, read_answer
from workflow.runtime.changes import Change
from workflow.runtime.deliver import Delivered, Deliverer
from workflow.testing.simulation.scheduler import SECOND, Actor
from workflow.testing.simulation.views import ALL_SHOWN, shown

if TYPE_CHECKING:
    from workflow.testing.simulation.world import World

LIMIT_SECONDS = 60
"""How long an invocation may take."""

_LATE = (1.0, 30.0, 90.0)


@dataclass(frozen=True, slots=True)
class Record:
    """One record of the stream, as the mapping's rules know it."""

    sequence_number: str
    key: str
    arrived_at: float
    size_bytes: int
    change: Change


@dataclass(slots=True)
class _Waiting:
    """A change that is on its way to the mapping."""

    change: Change
    key: str
    visible_at: int


@dataclass(slots=True)
class _Invoked:
    """An invocation that the mapping waits for."""

    actor: Actor
    lane: Lane[Record]
    batch: Batch[Record]
    ends_at: int


class Stream:
    """Brings the table's changes to the deliverer; each item's in order, several items' in any."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._settings = world.profile.stream
        self._shards: list[Lanes[Record]] = [
            Lanes(self._settings.parallelization_factor) for _ in range(world.profile.shards)
        ]
        self._waiting: list[list[_Waiting]] = [[] for _ in self._shards]
        self._seen = self._sequence = self._invocations = 0
        self._invoked: list[_Invoked] = []
        self._idle: list[tuple[Deliverer, int]] = []

    def trim(self) -> int:
        """Loses what was not delivered yet, as a stream does after a day; how many records that were."""
        self._take_in()
        lost = sum(map(len, self._waiting)) + sum(shard.backlog() for shard in self._shards)
        self._waiting = [[] for _ in self._shards]
        # What is out goes on, and whatever becomes of it, nothing of it comes again.
        self._shards = [Lanes(self._settings.parallelization_factor) for _ in self._shards]
        return lost

    def next_at(self) -> int | None:
        """When there will be something to do, in microseconds; None: not before somebody writes, or answers."""
        self._take_in()
        times = [waiting[0].visible_at for waiting in self._waiting if waiting]
        times += [one.ends_at for one in self._invoked]
        for shard in self._shards:
            ready = shard.next_ready_at(self._settings)
            if ready is not None:
                # Rounded up: at that microsecond it must be ready.
                times.append(int(ready * SECOND) + 1)
        return min(times, default=None)

    def run(self) -> None:
        """Takes in what was written, settles what was answered, and invokes with what is ready."""
        self._take_in()
        self._settle()
        now = self._world.scheduler.now / SECOND
        for waiting, shard in zip(self._waiting, self._shards, strict=True):
            self._put(waiting, shard)
            for lane in shard.ready(self._settings, now=now):
                self._invoke(lane)

    def _take_in(self) -> None:
        new = self._world.table.changes(self._seen)
        self._seen += len(new)
        for change in new:
            key = f"{change.kind}#{change.entity_id}"
            waiting = self._waiting[zlib.crc32(key.encode()) % len(self._waiting)]
            waiting.insert(self._place(waiting, key), _Waiting(change, key, self._visible_at()))

    def _visible_at(self) -> int:
        world = self._world
        if not world.fate.happens(world.profile.late_one_in):
            return world.scheduler.now
        world.fault("late record")
        return world.scheduler.now + round(_LATE[world.fate.choose(3)] * SECOND)

    def _place(self, waiting: list[_Waiting], key: str) -> int:
        """The end, or a place before records of other items."""
        world, place = self._world, len(waiting)
        while place and waiting[place - 1].key != key and world.fate.happens(world.profile.jump_one_in):
            place -= 1
            world.fault("records reordered")
        return place

    def _put(self, waiting: list[_Waiting], shard: Lanes[Record]) -> None:
        now = self._world.scheduler.now
        while waiting and waiting[0].visible_at <= now:
            one = waiting.pop(0)
            self._sequence += 1
            number = str(self._sequence)
            record = Record(number, one.key, now / SECOND, 1000, one.change._replace(position=number))
            shard.put([record], now=now / SECOND)

    def _invoke(self, lane: Lane[Record]) -> None:
        scheduler = self._world.scheduler
        batch = lane.take(self._settings, now=scheduler.now / SECOND).batch
        actor = self.deliver([record.change for record in batch.records])
        if self._world.fate.happens(self._world.profile.duplicate_one_in):
            # Whoever polls lost sight of an invocation that goes on.
            self._world.fault("invoked twice at once")
            self.deliver([record.change for record in batch.records], "at the same time ")
        self._invoked.append(_Invoked(actor, lane, batch, scheduler.now + LIMIT_SECONDS * SECOND))

    def deliver(self, changes: Sequence[Change], why: str = "") -> Actor:
        """An invocation of the handler with these changes, on a machine that is idle or new."""
        world = self._world
        if self._idle and not world.fate.calm:
            deliverer, skew = self._idle.pop()
        else:
            deliverer, skew = Deliverer(world.runtime, workers=1), world.skew_of(self._invocations)
        self._invocations += 1

        def work() -> Delivered:
            world.tell(f"is given {why}{', '.join(map(str, changes))}")
            until = world.runtime.clock.now() + timedelta(seconds=LIMIT_SECONDS)
            if world.profile.view == ALL_SHOWN:
                delivered = deliverer.deliver(changes, until=until)
            else:
                seen = [shown(world.profile.view, change) for change in changes]
                delivered = deliverer.deliver((), until=until, partial=seen)
            self._idle.append((deliverer, skew))
            return delivered

        return world.scheduler.spawn(f"handler {self._invocations}", work, skew=skew, limit_seconds=LIMIT_SECONDS)

    def _settle(self) -> None:
        now = self._world.scheduler.now
        over = [one for one in self._invoked if one.actor.is_over or one.ends_at <= now]
        for one in over:
            self._invoked.remove(one)
            following = after_invocation(one.batch, self._answer(one), self._settings, now=now / SECOND)
            if following.discard:
                self._world.log.breach(4, f"Lambda gave up {len(following.discard.records)} records")
            one.lane.settle(Next(following.done, following.again), now=now / SECOND)
            self._duplicate(following.done)

    def _answer(self, one: _Invoked) -> Answer:
        world, records, actor = self._world, one.batch.records, one.actor
        if not actor.is_over:
            return read_answer(records, self._settings, None, function_error=self._timed_out(actor))
        if actor.crashed:
            return read_answer(records, self._settings, None, function_error="Runtime.ExitError")
        if actor.error is not None:
            world.log.breach(4, f"a delivery raised {type(actor.error).__name__}: {actor.error}")
            return read_answer(records, self._settings, None, function_error="Unhandled")
        if world.fate.happens(world.profile.lost_answer_one_in):
            world.fault("invocation's answer lost")
            world.tell_of("stream", f"never hears from {actor.name}: its records come again")
            return read_answer(records, self._settings, None, function_error="no answer")
        delivered: Delivered = actor.result
        return read_answer(records, self._settings, partial_batch_response(delivered.failed))

    def _timed_out(self, actor: Actor) -> str:
        world = self._world
        if world.fate.choose(2) or world.fate.calm:
            world.fault("invocation timed out")
            world.tell_of("stream", f"{actor.name} is over its time and is stopped")
            world.scheduler.crash(actor)
            world.scheduler.bury(actor)
        else:
            world.fault("zombie invocation")
            world.tell_of("stream", f"{actor.name} is over its time, and goes on unseen")
        return "Sandbox.Timedout"

    def _duplicate(self, done: Sequence[Record]) -> None:
        world = self._world
        if done and world.fate.happens(world.profile.duplicate_one_in):
            world.fault("duplicate delivery")
            first = world.fate.choose(len(done))
            self.deliver([record.change for record in done[first:]], "once more ")
