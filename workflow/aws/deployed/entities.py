"""Facts of what is in the table: entities, what is put aside, what is late; and of records that were lost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

from workflow.aws import items, times
from workflow.aws.ledger import TableLedger, queued
from workflow.runtime.doctor.facts import EntityFacts, LostFacts, ParkedFacts

_SHARES = 16
_OF_EACH_SHARE = 64
_MOST_KEYS = 100
_MOST_OF_A_QUEUE = 250
_MOST_LATE = 16
_LATE = timedelta(minutes=5)
_LATEST = "9" * 15
_LAMBDA_WRITES_UNDER = "aws/lambda/"


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


def read_parked(client: Any, table: str, home: str) -> tuple[Sequence[ParkedFacts], frozenset[str]]:
    """What is put aside, at most 250 of what waits for a person and 250 of what goes on by itself; and the queues,
    `parked` and `due`, that hold more."""
    entries: list[ParkedFacts] = []
    cut: set[str] = set()
    for queue in ("parked", "due"):
        found = list(islice(queued(client, table, queue, _LATEST, home), _MOST_OF_A_QUEUE + 1))
        if len(found) > _MOST_OF_A_QUEUE:
            cut.add(queue)
        entries += _put_aside(TableLedger(client, table, home), found[:_MOST_OF_A_QUEUE])
    return entries, frozenset(cut)


def _put_aside(ledger: TableLedger, found: Sequence[Any]) -> Iterator[ParkedFacts]:
    for item in found:
        kind, entity_id = items.split_partition(item["pk"]["S"])
        one = ledger.find(kind, entity_id, int(item["sk"]["S"].rpartition("#")[2]))
        if one and one.parked:
            told = one.parked
            yield ParkedFacts(kind, entity_id, one.version, told.hook, told.why, told.since, told.next_at is None)


def read_overdue(client: Any, table: str, home: str, now: datetime) -> datetime | None:
    """When the longest waiting timer or effect was due, if that is too long ago; of timers that nobody needs any more,
    too: the sweeper takes them away."""
    until = times.write_milliseconds(now - _LATE)["N"]
    late = [
        item for queue in ("due", "timer") for item in islice(queued(client, table, queue, until, home), _MOST_LATE)
    ]
    first = min((int(item["due_at"]["N"]) for item in late), default=None)
    return None if first is None else datetime.fromtimestamp(first / 1000, UTC)


def prefixes_of(mapping_ids: Iterable[str]) -> tuple[str, ...]:
    """Where Lambda puts what these mappings give up; without any, what all mappings do.

    https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html
    """
    return tuple(f"{_LAMBDA_WRITES_UNDER}{one}/" for one in mapping_ids) or (_LAMBDA_WRITES_UNDER,)


def read_lost(storage: Any, bucket: str, prefixes: Sequence[str]) -> LostFacts:
    """What lies in the bucket of lost records under the prefixes, up to a thousand objects of each."""
    answers = [storage.list_objects_v2(Bucket=bucket, Prefix=prefix) for prefix in prefixes]
    written = [one["LastModified"] for found in answers for one in found.get("Contents", [])]
    first, last = min(written, default=None), max(written, default=None)
    more = any(found.get("IsTruncated") for found in answers)
    return LostFacts(bucket, len(written), more, first, last, tuple(prefixes))
