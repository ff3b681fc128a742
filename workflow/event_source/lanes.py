"""The order of delivery: records of one item never overtake each other, and one batch of a lane is out at a time.

A lane here is what Lambda's parallelization factor counts: a share of one shard's items.
"""

from __future__ import annotations

import zlib
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Generic

from workflow.event_source.batches import Batch, Discard, Next, R, without_expired
from workflow.event_source.settings import Settings

# Lambda refuses a payload over 6 MB, so a mapping never makes one.
MAX_PAYLOAD_BYTES = 6 * 1024 * 1024 - 1024


@dataclass(frozen=True)
class Taken(Generic[R]):
    """What a lane has handed out: a batch to invoke with, unless it is empty, and what was too old for that."""

    batch: Batch[R]
    discard: Discard[R] | None = None


class Lane(Generic[R]):
    """Records waiting, in order: what is to go out again before what is new.

    One thread may put and take while another settles what was taken.
    """

    def __init__(self) -> None:
        self._waiting: deque[R] = deque()
        self._again: tuple[Batch[R], ...] = ()
        self._out: Taken[R] | None = None
        self._window_opened_at = 0.0

    @property
    def backlog(self) -> int:
        """How many records wait or are out."""
        # Read in this order, and changed in the other: while another thread settles, none is missed.
        out = self._out
        count = 0 if out is None else len(out.batch.records) + (len(out.discard.records) if out.discard else 0)
        return count + sum(len(batch.records) for batch in self._again) + len(self._waiting)

    def put(self, record: R, *, now: float) -> None:
        """Let a record wait behind all others. `now` in seconds."""
        if not self._waiting:
            self._window_opened_at = now
        self._waiting.append(record)

    def ready_at(self, settings: Settings) -> float | None:
        """Return from when on a batch may be taken, in seconds; None while one is out or nothing waits.

        Documented: a new batch goes when it has the batch size or the payload's limit, or when the batching window is
        over, which opened when the invocation before it ended. Chosen, where AWS is silent: after a quiet time the
        window opens with the first record; each lane has its own; a retry waits for its pause alone.
        https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventsourcemapping.html
        """
        if self._out is not None:
            return None
        if self._again:
            return self._again[0].not_before
        if not self._waiting:
            return None
        is_full = settings.batching_window_seconds == 0 or self._is_full(settings)
        return self._window_opened_at + (0.0 if is_full else settings.batching_window_seconds)

    def take(self, settings: Settings, *, now: float) -> Taken[R]:
        """Hand out the next batch, to be settled before the next; only while `ready_at` is over. `now` in seconds."""
        if self._again:
            batch, self._again = self._again[0], self._again[1:]
        else:
            batch = Batch(tuple(self._first(settings)))
            for _ in batch.records:
                self._waiting.popleft()
        self._out = Taken(*without_expired(batch, settings, now=now))
        return self._out

    def settle(self, result: Next[R], *, now: float) -> None:
        """Take back what was out, as `after_invocation` says; an empty Next if there was no batch. `now` in seconds."""
        self._again = result.again + self._again
        self._window_opened_at = now
        self._out = None

    def _is_full(self, settings: Settings) -> bool:
        count = len(self._first(settings))
        return count == settings.batch_size or count < len(self._waiting)

    def _first(self, settings: Settings) -> list[R]:
        """Return the next new batch without removing it, at least one record and at most what a payload holds."""
        batch: list[R] = []
        size = 0
        for record in self._waiting:
            size += record.size_bytes
            if len(batch) == settings.batch_size or (batch and size > MAX_PAYLOAD_BYTES):
                break
            batch.append(record)
        return batch


class Lanes(Generic[R]):
    """The lanes of one shard, as many as the parallelization factor; an item's records always have the same one.

    Documented: order holds per item, partition and sort key together, and not per partition.
    https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html
    """

    def __init__(self, count: int) -> None:
        self.lanes: list[Lane[R]] = [Lane() for _ in range(count)]

    def put(self, records: Iterable[R], *, now: float) -> None:
        """Queue records, each in the lane of its key. `now` in seconds."""
        for record in records:
            self.lanes[zlib.crc32(record.key.encode()) % len(self.lanes)].put(record, now=now)

    def backlog(self) -> int:
        """Return how many records wait or are out."""
        return sum(lane.backlog for lane in self.lanes)

    def ready(self, settings: Settings, *, now: float) -> list[Lane[R]]:
        """Return the lanes a batch may be taken from at `now`, in seconds."""
        return [lane for lane in self.lanes if (at := lane.ready_at(settings)) is not None and at <= now]

    def next_ready_at(self, settings: Settings) -> float | None:
        """Return when the first lane will have a batch, in seconds; None if that waits for another to be settled."""
        return min((at for lane in self.lanes if (at := lane.ready_at(settings)) is not None), default=None)
