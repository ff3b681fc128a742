"""How lanes lie in the table: a partition for each key, with a row for whoever runs or waits.

The rows are in the order in which they are asked for: who watches the lane, then who runs, then who waits, best first.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from workflow.aws.attributes import Item
from workflow.aws.damage import reader
from workflow.aws.due_items import queue_share, shard_of
from workflow.aws.times import read_time, write_milliseconds, write_time
from workflow.engine.place import LaneKey, Place
from workflow.runtime.lane_ports import InLane, WatchedLane

KIND = "lane"
"""What the partitions of lanes begin with; no kind of entity may be called so."""

WATCH = "lane"
"""The row that stands in the index of what is due while somebody waits."""

QUEUE = "lane"
_RUNNING, _WAITING = "running", "waiting"
LAST = f"{_WAITING}#~"


def lane_partition(lane: LaneKey, region: str = "") -> str:
    """The partition of one queue; of its parts only the key may hold a `#`, and that comes last. In a global table each
    region has lanes of its own: `lane#job@eu-west-1#build#web`."""
    return "#".join((lanes_of(lane.kind, region), lane.lane, lane.key))


def lanes_of(kind: str, region: str) -> str:
    """What the partitions of a kind's lanes begin with."""
    return f"{KIND}#{kind}@{region}" if region else f"{KIND}#{kind}"


def split_lane_partition(pk: str) -> LaneKey:
    """The queue of a partition."""
    _, owner, name, key = pk.split("#", 3)
    return LaneKey(owner.partition("@")[0], name, key)


def region_of(pk: str) -> str:
    """The region whose lane a partition is; '' where there is none."""
    return pk.split("#", 2)[1].partition("@")[2]


def row_key(lane: LaneKey, row: InLane, region: str = "") -> dict[str, Any]:
    """The primary key of a row: a slot is one whoever has it, a place among the waiting is the entity's own."""
    place = row.place
    sk = f"{_WAITING}#{place.rank}#{row.entity_id}" if place.is_waiting else f"{_RUNNING}#{place.slot:06d}"
    return {"pk": {"S": lane_partition(lane, region)}, "sk": {"S": sk}}


def write_row(lane: LaneKey, row: InLane, region: str = "") -> dict[str, Any]:
    """The item of whoever runs or waits."""
    return {**row_key(lane, row, region), "entity": {"S": row.entity_id}, "since": write_time(row.place.since)}


def is_row(item: Item) -> bool:
    """Whether the item of a lane's partition is that of whoever runs or waits."""
    return str(item["sk"]["S"]).startswith((f"{_RUNNING}#", f"{_WAITING}#"))


@reader
def read_row(item: Item) -> InLane:
    """Who runs or waits, and where."""
    lane = split_lane_partition(item["pk"]["S"])
    name, _, rest = str(item["sk"]["S"]).partition("#")
    since = read_time(item, "since")
    entity_id = str(item["entity"]["S"])
    if name == _RUNNING:
        return InLane(entity_id, Place(lane.lane, lane.key, since, slot=int(rest)))
    return InLane(entity_id, Place(lane.lane, lane.key, since, rank=rest.partition("#")[0]))


def watch_key(lane: LaneKey, region: str = "") -> dict[str, Any]:
    """The primary key of the row that is watched."""
    return {"pk": {"S": lane_partition(lane, region)}, "sk": {"S": WATCH}}


def write_watch(lane: LaneKey, at: datetime, region: str = "") -> dict[str, Any]:
    """The item by which a sweeper finds the lane."""
    shard = shard_of(lane_partition(lane, region))
    due = queue_share(QUEUE, shard, region)
    return {**watch_key(lane, region), "due": {"S": due}, "due_at": write_milliseconds(at)}


@reader
def read_watch(item: Item) -> WatchedLane:
    """The lane of a watched row, or of its key in the index, and when it is due."""
    at = datetime.fromtimestamp(int(item["due_at"]["N"]) / 1000, UTC)
    return WatchedLane(split_lane_partition(item["pk"]["S"]), at)
