"""All items of an entity, and walks over all entities: parallel scans, for people and never for a Lambda."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import groupby
from typing import Any

from workflow.aws import delivery_items, due_items, event_items, items, lane_items, times
from workflow.aws.attributes import Item
from workflow.aws.failures import translated
from workflow.aws.place_items import find_place
from workflow.engine.place import LaneKey
from workflow.errors import HistoryConflictError
from workflow.runtime.records import EntityRecords, Seen, WalkProgress

_PROGRESS = {"pk": {"S": "#reconcile"}, "sk": {"S": "progress"}}
_NEVER = 10**12 - 1
"""A version that no entity comes to."""

_PARTS_OF_A_LANE = 3

_READERS = {
    "entity": items.read_entity,
    "event": event_items.read_event,
    "request": event_items.read_request,
    "effects": delivery_items.read_ledger_entry,
    "timer": due_items.read_timer,
    "violation": delivery_items.read_violation,
}


class TableRecords:
    """Everything that one table keeps, entity by entity."""

    def __init__(self, client: Any, table_name: str, region: str = "") -> None:
        """`region`: which replica the table is, if it is a global one."""
        self._client = client
        self._table = table_name
        self._region = region
        # Each region's walk goes on where its own stopped.
        self._progress = {**_PROGRESS, "sk": {"S": f"progress@{region}"}} if region else _PROGRESS

    def of(self, kind: str, entity_id: str) -> EntityRecords:
        """Everything of one entity, by consistent reads."""
        pages = self._pages(
            "query",
            ConsistentRead=True,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": {"S": items.partition(kind, entity_id)}},
        )
        return _records(kind, entity_id, (item for page in pages for item in page["Items"]))

    def all(self, share: int, shares: int) -> Iterator[EntityRecords]:
        """Everything of every entity in one share of the table: a scan brings an entity's items one after another."""
        pages = self._pages("scan", Segment=share, TotalSegments=shares)
        found = (item for page in pages for item in page["Items"])
        for pk, own in groupby(found, key=lambda item: str(item["pk"]["S"])):
            kind, entity_id = items.split_partition(pk)
            if kind and kind != lane_items.KIND:
                yield _records(kind, entity_id, own)

    def walk(self, share: int, shares: int, after: str = "") -> Iterator[Seen]:
        """Every entity in one share, from the index that holds nothing else; a position is that of a whole page."""
        request: dict[str, Any] = {"IndexName": items.INDEX, "Segment": share, "TotalSegments": shares}
        if after:
            request["ExclusiveStartKey"] = json.loads(after)
        position = after
        for page in self._pages("scan", **request):
            *others, last = page["Items"] or [None]
            for item in others:
                yield _seen(item, position)
            position = json.dumps(page["LastEvaluatedKey"]) if "LastEvaluatedKey" in page else position
            if last is not None:
                yield _seen(last, position)

    def lanes(self, share: int, shares: int) -> Iterator[LaneKey]:
        """Every lane of this region in one share: a scan of the whole table, of which only keys come over the wire."""
        pages = self._pages(
            "scan",
            Segment=share,
            TotalSegments=shares,
            FilterExpression="begins_with(pk, :lanes)",
            ExpressionAttributeValues={":lanes": {"S": f"{lane_items.KIND}#"}},
            ProjectionExpression="pk",
        )
        found = (str(item["pk"]["S"]) for page in pages for item in page["Items"])
        for pk, _ in groupby(found):
            if pk.count("#") >= _PARTS_OF_A_LANE and lane_items.region_of(pk) == self._region:
                yield lane_items.split_lane_partition(pk)

    def _pages(self, operation: str, **request: Any) -> Iterator[Any]:
        with translated(f"reading table {self._table}"):
            yield from self._client.get_paginator(operation).paginate(TableName=self._table, **request)

    def estimated_entities(self) -> int:
        """What DynamoDB last counted in the index, which it does about every six hours.
        https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_GlobalSecondaryIndexDescription.html"""
        with translated(f"describing table {self._table}"):
            table = self._client.describe_table(TableName=self._table)["Table"]
        counts = {i["IndexName"]: int(i.get("ItemCount", 0)) for i in table.get("GlobalSecondaryIndexes", [])}
        return counts.get(items.INDEX, 0)

    def find_progress(self) -> WalkProgress | None:
        """The progress kept last."""
        with translated(f"reading table {self._table}"):
            item = self._client.get_item(TableName=self._table, Key=self._progress, ConsistentRead=True).get("Item")
        if item is None or "positions" not in item:
            return None
        return WalkProgress(
            times.read_time(item, "since") if "since" in item else None,
            times.read_time(item, "started_at"),
            int(item["looked_at"]["N"]),
            int(item["restored"]["N"]),
            tuple(json.loads(item["positions"]["S"])),
        )

    def keep_progress(self, progress: WalkProgress | None) -> None:
        """Keeps how far a walk has come, or forgets it."""
        item: dict[str, Any] = dict(self._progress)
        if progress is not None:
            item |= {
                "started_at": times.write_time(progress.started_at),
                "looked_at": {"N": str(progress.looked_at)},
                "restored": {"N": str(progress.restored)},
                "positions": {"S": json.dumps(progress.positions)},
            }
            item |= {"since": times.write_time(progress.since)} if progress.since else {}
        with translated(f"writing table {self._table}"):
            self._client.put_item(TableName=self._table, Item=item)


def _seen(item: Item, position: str) -> Seen:
    kind, entity_id = items.split_partition(item["pk"]["S"])
    try:
        owing = int(item["owing"]["N"]) if "owing" in item else 0
        changed_at, state = times.read_time(item, "changed_at"), str(item["state"]["S"])
        return Seen(kind, entity_id, owing, changed_at, position, state, find_place(item))
    except (KeyError, TypeError, ValueError):
        # Changed by hand: as one that owes what nobody has begun, so that whoever walks looks at all of it.
        return Seen(kind, entity_id, _NEVER, datetime.max.replace(tzinfo=UTC), position)


def _records(kind: str, entity_id: str, found: Iterable[Item]) -> EntityRecords:
    read: dict[str, list[Any]] = {name: [] for name in _READERS}
    damaged: dict[str, str] = {}
    for item in found:
        name = str(item["sk"]["S"]).partition("#")[0]
        if name not in _READERS:
            continue
        try:
            read[name].append(_READERS[name](item))
        except HistoryConflictError as error:
            damaged[str(item["sk"]["S"])] = str(error)
    return EntityRecords(
        kind,
        entity_id,
        next(iter(read["entity"]), None),
        read["event"],
        read["request"],
        read["effects"],
        next(iter(read["timer"]), None),
        read["violation"],
        damaged,
    )
