"""A global table with eventual consistency: two tables on two engines, and what brings each one's items to the other.

As DynamoDB documents it for MREC: every write is replicated item by item and not transaction by transaction, some time
later, different items in any order; of writes of the same item in two regions the last one wins everywhere; and what
was brought shows on the stream of the table it was brought to, like any other write.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/globaltables-CoreConcepts.html
"""

from __future__ import annotations

import json
import threading
from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any

from tests.engines import create_table
from workflow.aws.client import make_client
from workflow.local.pump.shards import StreamReader
from workflow.local.pump.wire import to_wire

Item = dict[str, Any]
_WRITES = {"PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems"}


class Replica:
    """One table of a global table, in a region of its own: `client` writes to it, `table` is its name there."""

    def __init__(self, url: str, region: str, access_key: str) -> None:
        self.region = region
        self.client, self._own = (make_client("dynamodb", endpoint_url=url, access_key=access_key) for _ in range(2))
        self.table = create_table(self.client)
        described = self._own.describe_table(TableName=self.table)["Table"]
        self._arn = described["LatestStreamArn"]
        streams = make_client("dynamodbstreams", endpoint_url=url, access_key=access_key)
        self._reader = StreamReader(streams, self._arn, "TRIM_HORIZON")
        self._reader.find_shards()
        self.records: list[dict[str, Any]] = []
        """What its stream has brought of entities and nobody has taken, as a function receives it."""

    def read_stream(self) -> Iterator[dict[str, Any]]:
        """What came since the last call."""
        for shard in self._reader.open_shards():
            while found := self._reader.read(shard):
                for record in found:
                    wire: dict[str, Any] = json.loads(json.dumps(to_wire(record, self._arn)))
                    if wire["dynamodb"]["Keys"]["sk"]["S"] == "entity":
                        self.records.append(wire)
                    yield wire

    def take_records(self) -> list[dict[str, Any]]:
        """The records of entities that nobody has taken yet: what the mapping's filter lets through."""
        taken, self.records = self.records, []
        return taken

    def find(self, pk: str, sk: str) -> Item | None:
        """An item as it lies here."""
        found: Item | None = self._own.get_item(
            TableName=self.table, Key={"pk": {"S": pk}, "sk": {"S": sk}}, ConsistentRead=True
        ).get("Item")
        return found

    def items(self) -> dict[tuple[str, str], Item]:
        """All items, by partition and sort key."""
        pages = self._own.get_paginator("scan").paginate(TableName=self.table, ConsistentRead=True)
        return {(one["pk"]["S"], one["sk"]["S"]): one for page in pages for one in page["Items"]}

    def bring(self, key: Item, image: Item | None) -> bool:
        """Makes the item what it is elsewhere, and whether it was anything else."""
        if self.find(key["pk"]["S"], key["sk"]["S"]) == image:
            return False
        if image is None:
            self._own.delete_item(TableName=self.table, Key=key)
        else:
            self._own.put_item(TableName=self.table, Item=image)
        return True


@dataclass(frozen=True)
class Copy:
    """One write of one item, on its way to the other replica; `written` is its place among all writes anywhere."""

    written: int
    to: Replica
    key: Item = field(repr=False)
    image: Item | None = field(repr=False)

    @property
    def name(self) -> tuple[str, str]:
        """Partition and sort key."""
        return self.key["pk"]["S"], self.key["sk"]["S"]


class Replicator:
    """Brings copies when a test says so, in any order of items; what it brought itself it does not bring back."""

    def __init__(self, one: Replica, other: Replica, *, seed: int = 0) -> None:
        self._others = {one.region: other, other.region: one}
        self._replicas = (one, other)
        self._random, self._lock = Random(seed), threading.RLock()
        self._writes = 0
        self._last: dict[tuple[str, str, str], int] = {}
        self._echoes: dict[tuple[str, str, str], deque[Item | None]] = defaultdict(deque)
        self.under_way: list[Copy] = []
        for replica in self._replicas:
            replica.client.meta.events.register("after-call.dynamodb", self._listener(replica))

    def _listener(self, replica: Replica) -> Callable[..., None]:
        def written(model: Any, **_: Any) -> None:
            if model.name in _WRITES:
                self._collect(replica)

        return written

    def _collect(self, replica: Replica) -> None:
        """After every write, so that the order of writes in two tables is known."""
        with self._lock:
            for record in replica.read_stream():
                images = record["dynamodb"]
                name = (replica.region, images["Keys"]["pk"]["S"], images["Keys"]["sk"]["S"])
                image = images.get("NewImage")
                if self._echoes[name] and self._echoes[name][0] == image:
                    self._echoes[name].popleft()
                    continue
                self._writes += 1
                self._last[name] = self._writes
                self.under_way.append(Copy(self._writes, self._others[replica.region], images["Keys"], image))

    def replicate(self, *, only: Callable[[Copy], bool] = lambda copy: True) -> int:
        """Brings what is under way, or `only` a part of it, and returns how many writes that took."""
        with self._lock:
            chosen = [copy for copy in self.under_way if only(copy)]
            self.under_way = [copy for copy in self.under_way if not only(copy)]
            # Different items in any order; and the same item too: which of its writes was the last is known.
            self._random.shuffle(chosen)
            return sum(self._bring(copy) for copy in chosen)

    def _bring(self, copy: Copy) -> bool:
        name = (copy.to.region, *copy.name)
        if self._last.get(name, 0) > copy.written:
            return False
        self._last[name] = copy.written
        if not copy.to.bring(copy.key, copy.image):
            return False
        self._echoes[name].append(copy.image)
        self._collect(copy.to)
        return True
