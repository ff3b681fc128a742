"""The ledger on the table: every write is one conditional call that names what it expects, or its owner."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from botocore.exceptions import ClientError

from workflow.aws import delivery_items, due_items, items, times
from workflow.aws.failures import translated
from workflow.errors import LeaseLostError
from workflow.runtime.ledger_entry import LedgerEntry
from workflow.runtime.ports import Due, Pause

_LATEST = "9" * 15
"""Milliseconds no clock shows: the end of a queue."""


class TableLedger:
    """Claims with one conditional put, commits with one conditional update; both name their owner."""

    def __init__(self, client: Any, table_name: str, region: str = "") -> None:
        """`region`: which replica the table is, if it is a global one."""
        self._client = client
        self._table = table_name
        self._region = region

    def find(self, kind: str, entity_id: str, version: int) -> LedgerEntry | None:
        """The entry of one event, by a consistent read."""
        key = items.key(kind, entity_id, items.sort_key("effects", version))
        with translated(f"reading the effects of {kind} {entity_id} in table {self._table}"):
            item = self._client.get_item(TableName=self._table, Key=key, ConsistentRead=True).get("Item")
        return delivery_items.read_ledger_entry(item) if item else None

    def put(self, entry: LedgerEntry, found: LedgerEntry | None) -> LedgerEntry | None:
        """Writes the whole entry if exactly `found` stands there (None: nothing); else returns what stands."""
        request: dict[str, Any] = {
            "TableName": self._table,
            "Item": delivery_items.write_ledger_entry(entry, self._region),
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
            **_as_found(found),
        }
        try:
            with translated(f"claiming {entry}"):
                self._client.put_item(**request)
        except ClientError as error:
            old = error.response.get("Item")
            if old == request["Item"]:
                # Ours: botocore sent it twice, because the first answer was lost.
                return None
            return delivery_items.read_ledger_entry(old) if old else entry
        return None

    def commit(self, owner: str, after: LedgerEntry, hook: str = "") -> None:
        """Writes owner, lease, parking and the outcome of one hook, if `owner` still holds the entry."""
        try:
            with translated(f"committing {after}"):
                self._client.update_item(TableName=self._table, **commit_update(owner, after, hook, self._region))
        except ClientError as error:
            raise LeaseLostError(f"{after}: they passed to another owner meanwhile") from error

    def entries(self, kind: str, entity_id: str) -> Iterator[LedgerEntry]:
        """The ledger of one entity, in version order, by consistent reads."""
        pages = self._query(
            ConsistentRead=True,
            KeyConditionExpression="pk = :pk AND begins_with(sk, :effects)",
            ExpressionAttributeValues={
                ":pk": {"S": items.partition(kind, entity_id)},
                ":effects": {"S": "effects#"},
            },
        )
        with translated(f"reading the effects of {kind} {entity_id} in table {self._table}"):
            for item in pages:
                yield delivery_items.read_ledger_entry(item)

    def due(self, now: datetime) -> Iterator[Due]:
        """What was put aside until now or earlier, soonest first within each shard of the index."""
        for item in self._queue("due", times.write_milliseconds(now)["N"]):
            kind, entity_id = items.split_partition(item["pk"]["S"])
            at = datetime.fromtimestamp(int(item["due_at"]["N"]) / 1000, UTC)
            yield Due(kind, entity_id, int(item["sk"]["S"].rpartition("#")[2]), at)

    def parked(self) -> Iterator[LedgerEntry]:
        """Every entry that is put aside, as a consistent read shows it."""
        for queue in ("parked", "due"):
            for item in self._queue(queue, _LATEST):
                kind, entity_id = items.split_partition(item["pk"]["S"])
                entry = self.find(kind, entity_id, int(item["sk"]["S"].rpartition("#")[2]))
                if entry is not None and entry.parked:
                    yield entry

    def _queue(self, queue: str, until: str) -> Iterator[Any]:
        with translated(f"reading what is {queue} in table {self._table}"):
            yield from queued(self._client, self._table, queue, until, self._region)

    def _query(self, **request: Any) -> Iterator[Any]:
        for page in self._client.get_paginator("query").paginate(TableName=self._table, **request):
            yield from page["Items"]

    def pauses(self) -> Mapping[str, Pause]:
        """The paused hooks by name; may lag behind by moments."""
        with translated(f"reading the pauses in table {self._table}"):
            item = self._client.get_item(TableName=self._table, Key=delivery_items.PAUSES).get("Item")
        return delivery_items.read_pauses(item) if item else {}

    def pause(self, pause: Pause) -> None:
        """Keeps the hook from running; a second pause replaces the first."""
        self._change_pauses(
            pause.hook, "SET #hook = :pause", ExpressionAttributeValues={":pause": delivery_items.write_pause(pause)}
        )

    def resume(self, hook: str) -> None:
        """Lets the hook run again."""
        self._change_pauses(hook, "REMOVE #hook")

    def _change_pauses(self, hook: str, update: str, **values: Any) -> None:
        with translated(f"changing the pause of {hook!r} in table {self._table}"):
            self._client.update_item(
                TableName=self._table,
                Key=delivery_items.PAUSES,
                UpdateExpression=update,
                ExpressionAttributeNames={"#hook": hook},
                **values,
            )


def commit_update(owner: str, after: LedgerEntry, hook: str, region: str = "") -> dict[str, Any]:
    """The update that commits an outcome; what a transaction takes as well."""
    values = {
        ":owner": {"S": owner},
        ":after_owner": {"S": after.owner},
        ":lease_until": times.write_milliseconds(after.lease_until),
    }
    sets = ["claimed_by = :after_owner", "lease_until = :lease_until"]
    parked = delivery_items.write_parked(after, region)
    sets += [f"{name} = :{name}" for name in parked]
    values |= {f":{name}": value for name, value in parked.items()}
    names = {}
    if hook:
        sets.append("outcomes.#hook = :outcome")
        names["#hook"] = hook
        values[":outcome"] = delivery_items.write_outcome(after.outcomes[hook])
    return {
        "Key": items.key(after.kind, after.entity_id, items.sort_key("effects", after.version)),
        "UpdateExpression": f"SET {', '.join(sets)}" + ("" if parked else " REMOVE parked, due, due_at"),
        "ConditionExpression": "claimed_by = :owner",
        "ExpressionAttributeValues": values,
        **({"ExpressionAttributeNames": names} if names else {}),
    }


def queued(client: Any, table: str, queue: str, until: str, region: str) -> Iterator[Any]:
    """The keys of what stands in a queue of the index up to a moment, one of each shard in turn: whoever takes only so
    many takes none of them from one shard alone."""
    shares = [due_items.queue_share(queue, shard, region) for shard in range(due_items.DUE_SHARDS)]
    waiting = deque(_shard(client, table, share, until) for share in shares)
    while waiting:
        shard = waiting.popleft()
        for item in islice(shard, 1):
            yield item
            waiting.append(shard)


def _shard(client: Any, table: str, due: str, until: str) -> Iterator[Any]:
    pages = client.get_paginator("query").paginate(
        TableName=table,
        IndexName=due_items.DUE_INDEX,
        KeyConditionExpression="due = :due AND due_at <= :until",
        ExpressionAttributeValues={":due": {"S": due}, ":until": {"N": until}},
    )
    for page in pages:
        yield from page["Items"]


def _as_found(found: LedgerEntry | None) -> dict[str, Any]:
    if found is None:
        return {"ConditionExpression": "attribute_not_exists(pk)"}
    old = delivery_items.write_ledger_entry(found)
    names = [name for name in ("claimed_by", "lease_until", "outcomes", "parked") if name in old]
    conditions = [f"{name} = :{name}" for name in names]
    if found.parked is None:
        conditions.append("attribute_not_exists(parked)")
    return {
        "ConditionExpression": " AND ".join(conditions),
        "ExpressionAttributeValues": {f":{name}": old[name] for name in names},
    }
