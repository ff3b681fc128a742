"""What the rules need to know of a stream's record, whatever else it is."""

from __future__ import annotations

from typing import Protocol


class StreamRecord(Protocol):
    """Any object with these four; the rules look at nothing else of it, and hand it back as it is."""

    @property
    def sequence_number(self) -> str:
        """Its place in its shard, unique there."""

    @property
    def key(self) -> str:
        """The item it is about, as text: records of equal keys stay in order."""

    @property
    def arrived_at(self) -> float:
        """ApproximateCreationDateTime, in seconds on the same clock as every `now`."""

    @property
    def size_bytes(self) -> int:
        """What it adds to the payload of an invocation."""
