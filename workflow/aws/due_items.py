"""How what waits for a moment lies in the table: timers, and the attributes by which anything is due."""

from __future__ import annotations

import zlib
from datetime import datetime
from typing import Any

from workflow.aws.attributes import Item
from workflow.aws.damage import reader
from workflow.aws.items import key, partition, read_text, split_partition
from workflow.aws.times import read_time, write_milliseconds, write_time
from workflow.runtime.ports import SetTimer

TIMER = "timer"
DUE_INDEX = "by_due"
"""The index of what waits for a moment: `due`, which timers and put-aside effects carry, then `due_at` in milliseconds.

Sharded, so that ten thousand timers set in the same second do not write at one hot end of it. In a global table a queue
is that of one region: the index is replicated as well, and each sweeper takes up its own."""

DUE_SHARDS = 8


def write_due(queue: str, kind: str, entity_id: str, at: datetime, region: str = "") -> dict[str, Any]:
    """The attributes by which an item stands in one of the queues `due`, `timer` and `parked` of the index."""
    shard = shard_of(partition(kind, entity_id))
    return {"due": {"S": queue_share(queue, shard, region)}, "due_at": write_milliseconds(at)}


def queue_share(queue: str, shard: int, region: str) -> str:
    """One share of a queue, of the entities at home in the region: `timer#3`, or `timer#3@eu-west-1`."""
    return f"{queue}#{shard}@{region}" if region else f"{queue}#{shard}"


def shard_of(pk: str) -> int:
    """Which share of a queue the items of a partition stand in."""
    return zlib.crc32(pk.encode()) % DUE_SHARDS


def write_timer(timer: SetTimer, region: str = "") -> dict[str, Any]:
    """The item of a timer; one that was refused is due no more."""
    item = {
        **key(timer.kind, timer.entity_id, TIMER),
        "version": {"N": str(timer.version)},
        "trigger": {"S": timer.trigger},
        "at": write_time(timer.at),
    }
    if timer.refused:
        return {**item, "refused": {"S": timer.refused}}
    return item | write_due("timer", timer.kind, timer.entity_id, timer.at, region)


@reader
def read_timer(item: Item) -> SetTimer:
    """The timer of an item."""
    kind, entity_id = split_partition(item["pk"]["S"])
    return SetTimer(
        kind,
        entity_id,
        int(item["version"]["N"]),
        item["trigger"]["S"],
        read_time(item, "at"),
        read_text(item, "refused"),
    )
