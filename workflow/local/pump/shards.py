"""Read every shard of a stream to its end, a child only when its parent is done with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

_MAX_RECORDS = 1000


@dataclass(slots=True)
class Shard:
    """How far one shard has been read: `iterator` is None once it is closed and read to its end."""

    shard_id: str
    parent_id: str | None
    iterator: str | None = None
    started: bool = False
    last_sequence_number: str | None = None
    # Set by whoever delivers: everything read from it has been acknowledged.
    finished: bool = False


class StreamReader:
    """The shards of one stream, oldest unread record first in each.

    A shard's child opens when the shard is `finished`, so records of one item stay in order over a split.
    """

    def __init__(self, streams: Any, stream_arn: str, starting_position: str) -> None:
        self._streams = streams
        self._stream_arn = stream_arn
        self._starting_position = starting_position
        self._shards: dict[str, Shard] = {}

    def find_shards(self) -> None:
        """Ask the stream for shards that were not there before."""
        page: dict[str, Any] = {"StreamArn": self._stream_arn}
        while True:
            description = self._streams.describe_stream(**page)["StreamDescription"]
            for found in description["Shards"]:
                shard = Shard(found["ShardId"], found.get("ParentShardId"))
                self._shards.setdefault(shard.shard_id, shard)
            last = description.get("LastEvaluatedShardId")
            if last is None:
                return
            page["ExclusiveStartShardId"] = last

    def open_shards(self) -> list[Shard]:
        """Return the shards that may be read now."""
        return [shard for shard in self._shards.values() if not shard.finished and self._parent_finished(shard)]

    def read(self, shard: Shard) -> list[dict[str, Any]]:
        """Return the shard's next records, or none if there are none at this moment."""
        if not shard.started:
            shard.iterator = self._iterator(shard)
            shard.started = True
        if shard.iterator is None:
            return []
        try:
            answer = self._streams.get_records(ShardIterator=shard.iterator, Limit=_MAX_RECORDS)
        except self._streams.exceptions.ExpiredIteratorException:
            # An iterator lives 15 minutes; a laptop sleeps longer.
            shard.iterator = self._iterator(shard)
            return []
        records: list[dict[str, Any]] = answer["Records"]
        if records:
            shard.last_sequence_number = records[-1]["dynamodb"]["SequenceNumber"]
        shard.iterator = answer.get("NextShardIterator")
        return records

    def _parent_finished(self, shard: Shard) -> bool:
        # A parent that the stream no longer lists has been trimmed: nothing is left to wait for.
        parent = self._shards.get(shard.parent_id or "")
        return parent is None or parent.finished

    def _iterator(self, shard: Shard) -> str:
        where = {"ShardIteratorType": self._starting_position}
        if shard.last_sequence_number is not None:
            where = {
                "ShardIteratorType": "AFTER_SEQUENCE_NUMBER",
                "SequenceNumber": shard.last_sequence_number,
            }
        answer = self._streams.get_shard_iterator(StreamArn=self._stream_arn, ShardId=shard.shard_id, **where)
        return str(answer["ShardIterator"])
