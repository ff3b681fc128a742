"""What the simulator looks at, read from a table on a real engine; its stream is the engine's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tests.engines import create_table
from workflow.aws import items
from workflow.aws.client import make_client
from workflow.aws.images import Plan
from workflow.aws.ledger import TableLedger
from workflow.aws.records import TableRecords
from workflow.aws.stream import look
from workflow.engine.entity import Entity
from workflow.engine.events import Event
from workflow.runtime.changes import Change
from workflow.runtime.ledger_entry import LedgerEntry
from workflow.runtime.ports import Pause, SetTimer, Violation
from workflow.runtime.records import EntityRecords
from workflow.testing.simulation.log import Key, Log, RawWrite
from workflow.testing.simulation.scheduler import Scheduler
from workflow.testing.simulation.table import Table


class EngineTable(Table):
    """A table of its own on an engine, seen past all faults. What was read is kept until somebody writes there."""

    def __init__(self, scheduler: Scheduler, log: Log, client: Any, streams: Any, declared: Mapping[str, Plan]) -> None:
        super().__init__(scheduler, log)
        self._client, self._declared = client, declared
        self.name = create_table(client)
        self.records = TableRecords(client, self.name)  # type: ignore[assignment]
        self.ledger = _Ledger(self, TableLedger(client, self.name))  # type: ignore[assignment]
        self._feed = _Feed(client, streams, self.name)
        self._read: dict[Key, EntityRecords] = {}
        self._before: dict[tuple[str, str, int], LedgerEntry | None] = {}
        self._known: dict[Key, None] = {}

    def wrote(self, keys: Sequence[tuple[str, str]]) -> None:
        """Somebody has written, or tried to write, these items."""
        self._feed.is_behind = True
        for pk, sk in keys:
            kind, entity_id = items.split_partition(pk)
            key = (kind, entity_id)
            if not kind:
                continue
            self._known[key] = None
            self._read.pop(key, None)
            if sk.startswith("effects#"):
                self._watch_again(key, int(sk.rpartition("#")[2]))
            elif sk.startswith("event#") and (event := self.event(key, int(sk.rpartition("#")[2]))):
                self._log.committed_at.setdefault((*key, event.version), self._scheduler.now)

    def _watch_again(self, key: Key, version: int) -> None:
        place, after = (*key, version), self.ledger.find(*key, version)
        self.watch(self._before.get(place), after)
        self._before[place] = after

    def of(self, key: Key) -> EntityRecords:
        """Everything of one entity."""
        if key not in self._read:
            self._read[key] = self.records.of(*key)
        return self._read[key]

    def entity(self, key: Key) -> Entity | None:
        return self.of(key).entity

    def version(self, key: Key) -> int:
        entity = self.entity(key)
        return entity.version if entity else 0

    def event(self, key: Key, version: int) -> Event | None:
        return next((event for event in self.of(key).events if event.version == version), None)

    def history(self, key: Key) -> list[Event]:
        return list(self.of(key).events)

    def entity_keys(self) -> list[Key]:
        return [key for key in self._known if self.of(key).events or self.of(key).entity]

    def timer(self, key: Key) -> SetTimer | None:
        return self.of(key).timer

    def violations(self, kind: str, entity_id: str) -> Sequence[Violation]:
        return self.of((kind, entity_id)).violations

    def request_items(self) -> dict[tuple[str, str, str], tuple[int, str]]:
        return {(*key, r.id): (r.version, r.event_id) for key in self._known for r in self.of(key).requests}

    def changes(self, after: int = 0) -> Sequence[Change]:
        if self._feed.is_behind:
            self._stream += look(self._feed.read(), self._declared).changes
        return self._stream[after:]

    def write_raw(self, key: Key, state: str, *, raises_version: bool) -> None:
        before = self.entity(key)
        assert before is not None
        version = before.version + raises_version
        self._client.update_item(
            TableName=self.name,
            Key=items.key(*key, items.ENTITY),
            UpdateExpression="SET #state = :state, version = :version",
            ExpressionAttributeNames={"#state": "state"},
            ExpressionAttributeValues={":state": {"S": state}, ":version": {"N": str(version)}},
        )
        self.wrote([(items.partition(*key), items.ENTITY)])
        self._log.raw.append(RawWrite(key, before.version, version, before.state, state))


class _Ledger:
    """The ledger as it stands."""

    def __init__(self, table: EngineTable, ledger: TableLedger) -> None:
        self._table, self._ledger = table, ledger

    def find(self, kind: str, entity_id: str, version: int) -> LedgerEntry | None:
        return next((entry for entry in self.entries(kind, entity_id) if entry.version == version), None)

    def entries(self, kind: str, entity_id: str) -> Iterator[LedgerEntry]:
        return iter(self._table.of((kind, entity_id)).entries)

    def pauses(self) -> Mapping[str, Pause]:
        return self._ledger.pauses()

    def resume(self, hook: str) -> None:
        self._ledger.resume(hook)


class _Feed:
    """The records of entities on the table's stream, as they come."""

    def __init__(self, client: Any, streams: Any, table: str) -> None:
        arn = client.describe_table(TableName=table)["Table"]["LatestStreamArn"]
        (shard,) = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
        self._streams = streams
        self._iterator = streams.get_shard_iterator(
            StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        self.is_behind = False

    def read(self) -> list[dict[str, Any]]:
        answer = self._streams.get_records(ShardIterator=self._iterator)
        self._iterator = answer["NextShardIterator"]
        self.is_behind = bool(answer["Records"])
        return [record for record in answer["Records"] if record["dynamodb"]["Keys"]["sk"]["S"] == items.ENTITY]


def streams_client(endpoint_url: str, client: Any) -> Any:
    """A client for the streams of the same database."""
    key = client._request_signer._credentials.access_key
    return make_client("dynamodbstreams", endpoint_url=endpoint_url, access_key=key)
