"""The order of delivery: records of one key never overtake each other, and one batch of a lane is out at a time.

A lane here is what Lambda's parallelization factor counts: a share of one shard's keys.
"""

from __future__ import annotations

import json
import zlib
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

# Lambda refuses a payload over 6 MB, so a mapping never makes one.
_MAX_PAYLOAD_BYTES = 6 * 1024 * 1024 - 1024
_FIRST_RETRY_SECONDS = 0.1
_LONGEST_RETRY_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Delivered:
    """One stream record on its way: its wire form, and that form's JSON text."""

    sequence_number: str
    record: dict[str, Any]
    text: str


def pack(record: dict[str, Any]) -> Delivered:
    """Make a wire record ready for delivery."""
    return Delivered(record["dynamodb"]["SequenceNumber"], record, json.dumps(record, separators=(",", ":")))


@dataclass(slots=True)
class Lane:
    """Records waiting, in order; `busy` while a batch is out."""

    waiting: deque[Delivered] = field(default_factory=deque)
    busy: bool = False
    failures_in_a_row: int = 0
    not_before: float = 0.0

    def take(self, batch_size: int) -> list[Delivered]:
        """Return the next batch without removing it, at least one record and at most what a payload holds."""
        batch: list[Delivered] = []
        size = 0
        for record in self.waiting:
            size += len(record.text) + 1
            if len(batch) == batch_size or (batch and size > _MAX_PAYLOAD_BYTES):
                break
            batch.append(record)
        return batch

    def acknowledge(self, done: int, taken: int, now: float) -> None:
        """Remove the first `done` of the `taken` records; what is left of them waits, longer after each failure."""
        for _ in range(done):
            self.waiting.popleft()
        if done == taken:
            self.failures_in_a_row, self.not_before = 0, 0.0
            return
        self.failures_in_a_row = 1 if done else self.failures_in_a_row + 1
        pause = _FIRST_RETRY_SECONDS * 2 ** min(self.failures_in_a_row - 1, 16)
        self.not_before = now + min(pause, _LONGEST_RETRY_SECONDS)


class ShardLanes:
    """The lanes of one shard; a partition key always has the same one."""

    def __init__(self, count: int, partition_key: str) -> None:
        self._partition_key = partition_key
        self.lanes = [Lane() for _ in range(count)]

    def put(self, records: Iterable[Delivered]) -> None:
        """Queue records, each in the lane of its key."""
        for record in records:
            self.lanes[self._lane_of(record)].waiting.append(record)

    def backlog(self) -> int:
        """Return how many records wait or are out."""
        return sum(len(lane.waiting) for lane in self.lanes)

    def ready(self, now: float) -> list[Lane]:
        """Return the lanes that could send a batch at this moment."""
        return [lane for lane in self.lanes if lane.waiting and not lane.busy and lane.not_before <= now]

    def _lane_of(self, record: Delivered) -> int:
        key = record.record["dynamodb"]["Keys"][self._partition_key]
        return zlib.crc32(json.dumps(key).encode()) % len(self.lanes)
