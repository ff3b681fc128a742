"""Facts of what is in the table: entities, what is put aside, what is late; and of records that were lost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

from workflow.aws import items, times
from workflow.aws.ledger import TableLedger, queued
from workflow.runtime.doctor.facts import EntityFacts, LostFacts, ParkedFacts

_SHARES = 16
_OF_EACH_SHARE = 64
_MOST_KEYS = 100
_MOST_PARKED = 500
_MOST_LATE = 16
_LATE = timedelta(minutes=5)


def read_entities(client: Any, table: str, about: int) -> EntityFacts:
    """A sample of the entities, at most 1,024 from all over the index `by_state`: of which versions of which
    definitions they are. Costs a read of each, and nothing of their histories."""
    keys = [key for share in range(_SHARES) for key in _keys(client, table, share)]
    counts: Counter[tuple[str, int]] = Counter()
    examples: dict[tuple[str, int], str] = {}
    for start in range(0, len(keys), _MOST_KEYS):
        for pk, edge in _edges(client, table, keys[start : start + _MOST_KEYS]):
            try:
                kind, version = items.split_edge(edge)[:2]
            except ValueError:
                # Written by hand: `workflow verify` tells of those.
                continue
            counts[kind, version] += 1
            examples.setdefault((kind, version), items.split_partition(pk)[1])
    versions = {one: (count, examples[one]) for one, count in counts.items()}
    return EntityFacts(len(keys), max(about, len(keys)), versions)


def _keys(client: Any, table: str, share: int) -> list[str]:
    found = client.scan(
        TableName=table, IndexName=items.INDEX, Segment=share, TotalSegments=_SHARES, Limit=_OF_EACH_SHARE
    )
    return [item["pk"]["S"] for item in found["Items"]]


def _edges(client: Any, table: str, keys: Sequence[str]) -> Iterator[tuple[str, str]]:
    asked = [{"pk": {"S": pk}, "sk": {"S": items.ENTITY}} for pk in keys]
    found = client.batch_get_item(RequestItems={table: {"Keys": asked, "ProjectionExpression": "pk, edge"}})
    for item in found["Responses"].get(table, []):
        yield item["pk"]["S"], items.read_text(item, "edge")


def read_parked(client: Any, table: str, home: str) -> Sequence[ParkedFacts]:
    """What is put aside, at most 500 of it."""
    found = islice(TableLedger(client, table, home).parked(), _MOST_PARKED)
    return [
        ParkedFacts(
            one.kind,
            one.entity_id,
            one.version,
            one.parked.hook,
            one.parked.why,
            one.parked.since,
            one.parked.next_at is None,
        )
        for one in found
        if one.parked
    ]


def read_overdue(client: Any, table: str, home: str, now: datetime) -> datetime | None:
    """When the longest waiting timer or effect was due, if that is too long ago; of timers that nobody needs any more,
    too: the sweeper takes them away."""
    until = times.write_milliseconds(now - _LATE)["N"]
    late = [
        item for queue in ("due", "timer") for item in islice(queued(client, table, queue, until, home), _MOST_LATE)
    ]
    first = min((int(item["due_at"]["N"]) for item in late), default=None)
    return None if first is None else datetime.fromtimestamp(first / 1000, UTC)


def read_lost(storage: Any, bucket: str) -> LostFacts:
    """What lies in the bucket of lost records, up to a thousand objects."""
    found = storage.list_objects_v2(Bucket=bucket)
    written = [one["LastModified"] for one in found.get("Contents", [])]
    first, last = min(written, default=None), max(written, default=None)
    return LostFacts(bucket, len(written), bool(found.get("IsTruncated")), first, last)
