"""Building a table from histories: many items a call, and no entity overwritten."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

from botocore.exceptions import ClientError

from workflow.aws import delivery_items, due_items, event_items, items
from workflow.aws.attributes import Item
from workflow.aws.damage import reader
from workflow.aws.failures import CONFLICTS, THROTTLES, cancellation_reasons, is_too_large, translated
from workflow.aws.records import TableRecords
from workflow.aws.table import TableStore
from workflow.engine.events import Event
from workflow.errors import (
    ContentionError,
    HistoryConflictError,
    StoreUnavailableError,
    ThrottledError,
    TooLargeError,
)
from workflow.runtime.archives.bulk import Found, Key, Load, Standing

_READS, _WRITES = 100, 100
"""At most so many items a BatchGetItem, and a transaction. A transaction costs twice the write units of a
BatchWriteItem, which knows no condition: it would write over what somebody creates meanwhile.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html"""

_TRANSACTION_BYTES = 3 * 1024 * 1024
"""A transaction holds 4 MB.
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html"""

_FEW = 25
"""A transaction of so many items that was not answered is not divided."""

_ABSENT = "attribute_not_exists(pk)"
_LOOKS = 8
_FIRST = items.sort_key("event", 1)

_Thing = TypeVar("_Thing")


def records_of(store: TableStore) -> TableRecords:
    """Everything that the table of the store keeps."""
    return TableRecords(store._client, store._table, store.region)


class _Part(NamedTuple):
    """One item to be written, of the load with that key, under the condition; '' is none."""

    key: Key
    item: dict[str, Any]
    condition: str = ""
    values: dict[str, Any] | None = None


class TableBulk:
    """Many items at once, in one table, by transactions. The first event of an entity is its claim: with another one
    there nobody can create it. The entity itself comes last, on the condition that there is none."""

    def __init__(self, store: TableStore) -> None:
        self._client, self._table, self._region = store._client, store._table, store.region

    def standing(self, loads: Sequence[Load]) -> Mapping[Key, Standing]:
        """What stands there of each, by consistent reads: of its first event, and if there is one, of the rest.

        An entity that somebody left without its first event shows when it is to be written.
        """
        firsts = self._get((*load.key, _FIRST) for load in loads)
        there = [load for load in loads if (*load.key, _FIRST) in firsts]
        lasts = {load.key: items.sort_key("event", load.entity.version) for load in there}
        rest = self._get((*key, sk) for key, last in lasts.items() for sk in (items.ENTITY, last))
        standing = {load.key: Standing() for load in loads}
        for key, last in lasts.items():
            item, event = rest.get((*key, items.ENTITY)), rest.get((*key, last), {})
            try:
                entity = items.read_entity(item) if item else None
                standing[key] = Standing(entity, _read_id(firsts[(*key, _FIRST)]), _read_id(event))
            except HistoryConflictError as error:
                standing[key] = Standing(damaged=str(error))
        return standing

    def histories(self, loads: Sequence[Load]) -> Mapping[Key, Found]:
        """What stands there of each, by consistent reads."""
        wanted = [(*load.key, items.ENTITY) for load in loads]
        wanted += [(*load.key, items.sort_key("event", event.version)) for load in loads for event in load.events]
        found = {load.key: Found(None, {}) for load in loads}
        events: dict[Key, dict[int, Event]] = {load.key: {} for load in loads}
        for (kind, entity_id, sk), item in self._get(iter(wanted)).items():
            key = kind, entity_id
            try:
                if sk == items.ENTITY:
                    found[key] = found[key]._replace(entity=items.read_entity(item))
                else:
                    event = event_items.read_event(item)
                    events[key][event.version] = event
            except HistoryConflictError as error:
                found[key] = found[key]._replace(damaged=str(error))
        return {key: one._replace(events=events[key]) for key, one in found.items()}

    def _get(self, wanted: Iterator[tuple[str, str, str]]) -> dict[tuple[str, str, str], Any]:
        found: dict[tuple[str, str, str], Any] = {}
        for some in _slices([items.key(*one) for one in wanted], _READS):
            for item in self._get_all(some):
                found[(*items.split_partition(item["pk"]["S"]), item["sk"]["S"])] = item
        return found

    def _get_all(self, keys: Sequence[Any]) -> list[Any]:
        """All that is there; an answer may leave some out."""
        answers: list[Any] = []
        for _ in range(_LOOKS):
            with translated(f"reading table {self._table}"):
                answer = self._client.batch_get_item(RequestItems={self._table: {"Keys": keys, "ConsistentRead": True}})
            answers += answer["Responses"].get(self._table, [])
            left = answer.get("UnprocessedKeys", {}).get(self._table, {}).get("Keys", [])
            if not left:
                return answers
            if len(left) == len(keys):
                # Nothing at all: whoever called waits, and tries again.
                break
            keys = left
        raise ThrottledError(f"reading table {self._table}: {len(left)} items were left out")

    def put(self, loads: Sequence[Load]) -> Sequence[Key]:
        """Writes each of which neither the entity nor another first event is there, and returns the others."""
        refused: set[Key] = set()
        for parts in _transactions(loads, self._region):
            refused |= self._put([part for part in parts if part.key not in refused])
        return list(refused)

    def _put(self, parts: Sequence[_Part]) -> set[Key]:
        refused: set[Key] = set()
        while parts:
            try:
                with translated(f"writing table {self._table}"):
                    self._client.transact_write_items(TransactItems=[self._written(part) for part in parts])
            except StoreUnavailableError:
                halves = _halves(parts)
                if len(parts) <= _FEW or len(halves) < 2:
                    raise
                # A busy engine may be too slow for so many at once.
                return refused.union(*map(self._put, halves))
            except ClientError as error:
                refused |= self._refused(parts, error)
                parts = [part for part in parts if part.key not in refused]
            else:
                break
        return refused

    def _written(self, part: _Part) -> dict[str, Any]:
        put: dict[str, Any] = {"TableName": self._table, "Item": part.item}
        if part.condition:
            put["ConditionExpression"] = part.condition
        if part.values:
            put["ExpressionAttributeNames"] = {"#event": "event"}
            put["ExpressionAttributeValues"] = part.values
        return {"Put": put}

    def _refused(self, parts: Sequence[_Part], error: ClientError) -> set[Key]:
        """Those that are there; raises where that is not why nothing was written."""
        subject = f"writing table {self._table}"
        reasons = cancellation_reasons(error)
        codes = [str(reason.get("Code")) for reason in reasons]
        if not CONFLICTS.isdisjoint(codes):
            raise ContentionError(f"{subject}: another transaction was under way") from error
        if not THROTTLES.isdisjoint(codes):
            raise ThrottledError(f"{subject}: throttled") from error
        there = {part.key for part, code in zip(parts, codes, strict=False) if code == "ConditionalCheckFailed"}
        if not there:
            messages = "; ".join(str(reason.get("Message")) for reason in reasons if reason.get("Message"))
            if is_too_large(messages):
                raise TooLargeError(f"{subject}: an item holds at most 400 KB") from error
            raise StoreUnavailableError(f"{subject}: {messages or error}") from error
        return there


@reader
def _read_id(event: Item) -> str:
    return items.read_text(event, "event")


def _parts(load: Load, region: str) -> Iterator[_Part]:
    """The claim, the ledger before the other events, so that nobody who sees an event sees it without; and the timer
    with the entity, whose condition holds for both."""
    key, first = load.key, load.events[0]
    own = {":event": {"S": first.id}}
    yield _Part(key, event_items.write_event(first), f"{_ABSENT} OR #event = :event", own)
    for entry in load.entries:
        yield _Part(key, delivery_items.write_ledger_entry(entry, region))
    events = {event.version: event for event in load.events}
    for event in load.events[1:]:
        yield _Part(key, event_items.write_event(event))
    for request, expires_at in load.requests:
        yield _Part(key, event_items.write_request(events[request.version], request, expires_at))


def _last_parts(load: Load, region: str) -> list[_Part]:
    timer = [_Part(load.key, due_items.write_timer(load.timer, region))] if load.timer else []
    return [*timer, _Part(load.key, items.write_entity(load.entity, load.events[-1]), _ABSENT)]


def _transactions(loads: Sequence[Load], region: str) -> Iterator[list[_Part]]:
    """The items of all loads in order, as many at once as a transaction takes; those of one that is small together."""
    some: list[_Part] = []
    size = 0
    for load in loads:
        for together, bytes_of_it in _inseparable(load, region):
            if some and (len(some) + len(together) > _WRITES or size + bytes_of_it > _TRANSACTION_BYTES):
                yield some
                some, size = [], 0
            some += together
            size += bytes_of_it
    if some:
        yield some


def _inseparable(load: Load, region: str) -> Iterator[tuple[list[_Part], int]]:
    parts, last = list(_parts(load, region)), _last_parts(load, region)
    size = _bytes_of(parts + last)
    if len(parts) + len(last) <= _WRITES and size <= _TRANSACTION_BYTES:
        yield parts + last, size
        return
    for part in parts:
        yield [part], _bytes_of([part])
    yield last, _bytes_of(last)


def _bytes_of(parts: Sequence[_Part]) -> int:
    # Never less than DynamoDB counts.
    return sum(len(repr(part.item).encode()) for part in parts)


def _halves(parts: Sequence[_Part]) -> list[list[_Part]]:
    keys = list(dict.fromkeys(part.key for part in parts))
    first = set(keys[: (len(keys) + 1) // 2])
    halves = [[part for part in parts if (part.key in first) == is_first] for is_first in (True, False)]
    return [half for half in halves if half]


def _slices(things: Sequence[_Thing], most: int) -> Iterator[Sequence[_Thing]]:
    return (things[start : start + most] for start in range(0, len(things), most))
