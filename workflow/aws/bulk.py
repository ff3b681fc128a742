"""Building a table from histories: many items a call, and no entity overwritten."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from botocore.exceptions import ClientError

from workflow.aws import delivery_items, due_items, items
from workflow.aws.failures import CONFLICTS, THROTTLES, cancellation_reasons, translated
from workflow.aws.records import TableRecords
from workflow.aws.table import TableStore
from workflow.engine.entity import Entity
from workflow.engine.events import Event
from workflow.errors import ContentionError, StoreUnavailableError, ThrottledError
from workflow.runtime.archives.bulk import Key, Load, Standing

_WRITES, _READS, _PARTS = 25, 100, 50
"""At most 25 items a BatchWriteItem, 100 a BatchGetItem, 100 a transaction; fewer of these, so that one that is there
already has fewer others tried again.
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html"""

_TRANSACTION_BYTES = 3 * 1024 * 1024
"""A transaction holds 4 MB.
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html"""

_LOOKS = 8
_FIRST = items.sort_key("event", 1)

_Thing = TypeVar("_Thing")


def records_of(store: TableStore) -> TableRecords:
    """Everything that the table of the store keeps."""
    return TableRecords(store._client, store._table)


class TableBulk:
    """Many items at once, in one table. What lies beside an entity is written first and in batches, which know no
    condition; the entity last, in transactions that do."""

    def __init__(self, store: TableStore) -> None:
        self._client, self._table = store._client, store._table

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
            entity = items.read_entity(item) if item else None
            standing[key] = Standing(
                entity, items.read_text(firsts[(*key, _FIRST)], "event"), items.read_text(event, "event")
            )
        return standing

    def histories(self, loads: Sequence[Load]) -> Mapping[Key, tuple[Entity | None, Mapping[int, Event]]]:
        """What stands there of each, by consistent reads."""
        wanted = [(*load.key, items.ENTITY) for load in loads]
        wanted += [(*load.key, items.sort_key("event", event.version)) for load in loads for event in load.events]
        entities: dict[Key, Entity] = {}
        events: dict[Key, dict[int, Event]] = {load.key: {} for load in loads}
        for (kind, entity_id, sk), item in self._get(iter(wanted)).items():
            if sk == items.ENTITY:
                entities[kind, entity_id] = items.read_entity(item)
            else:
                event = items.read_event(item)
                events[kind, entity_id][event.version] = event
        return {load.key: (entities.get(load.key), events[load.key]) for load in loads}

    def _get(self, wanted: Iterator[tuple[str, str, str]]) -> dict[tuple[str, str, str], Any]:
        found: dict[tuple[str, str, str], Any] = {}
        for some in _slices([items.key(*one) for one in wanted], _READS):
            for item in self._batch("reading", some, self._get_some):
                found[(*items.split_partition(item["pk"]["S"]), item["sk"]["S"])] = item
        return found

    def _get_some(self, keys: Sequence[Any]) -> tuple[Sequence[Any], Sequence[Any]]:
        asked = {self._table: {"Keys": keys, "ConsistentRead": True}}
        answer = self._client.batch_get_item(RequestItems=asked)
        left = answer.get("UnprocessedKeys", {}).get(self._table, {}).get("Keys", [])
        return answer["Responses"].get(self._table, []), left

    def put_beside(self, loads: Sequence[Load]) -> None:
        """Writes everything but the entities."""
        requests = [{"PutRequest": {"Item": item}} for load in loads for item in _beside(load)]
        for some in _slices(requests, _WRITES):
            self._batch("writing", some, self._put_some)

    def _put_some(self, requests: Sequence[Any]) -> tuple[Sequence[Any], Sequence[Any]]:
        answer = self._client.batch_write_item(RequestItems={self._table: requests})
        return [], answer.get("UnprocessedItems", {}).get(self._table, [])

    def _batch(
        self, what: str, some: Sequence[Any], call: Callable[[Sequence[Any]], tuple[Sequence[Any], Sequence[Any]]]
    ) -> list[Any]:
        """The answers to all of it; an answer may leave some undone."""
        answers: list[Any] = []
        for _ in range(_LOOKS):
            with translated(f"{what} table {self._table}"):
                done, left = call(some)
            answers += done
            if not left:
                return answers
            if len(left) == len(some):
                # Nothing at all: whoever called waits, and tries again.
                break
            some = left
        raise ThrottledError(f"{what} table {self._table}: {len(some)} items were left undone")

    def put_entities(self, loads: Sequence[Load]) -> Sequence[Key]:
        """Writes each entity of which there is none, and returns those that there were."""
        there: list[Key] = []
        for some in _transactions(loads):
            there += self._put_absent(some)
        return there

    def _put_absent(self, loads: Sequence[tuple[Key, Any]]) -> list[Key]:
        parts = [
            {"Put": {"TableName": self._table, "Item": item, "ConditionExpression": "attribute_not_exists(pk)"}}
            for _, item in loads
        ]
        try:
            with translated(f"writing table {self._table}"):
                self._client.transact_write_items(TransactItems=parts)
        except ClientError as error:
            there = self._refused(loads, error)
        else:
            return []
        rest = [load for load in loads if load[0] not in there]
        return list(there) + (self._put_absent(rest) if rest else [])

    def _refused(self, loads: Sequence[tuple[Key, Any]], error: ClientError) -> set[Key]:
        """Those that are there; raises where that is not why nothing was written."""
        subject = f"writing table {self._table}"
        codes = [str(reason.get("Code")) for reason in cancellation_reasons(error)]
        if not CONFLICTS.isdisjoint(codes):
            raise ContentionError(f"{subject}: another transaction was under way") from error
        if not THROTTLES.isdisjoint(codes):
            raise ThrottledError(f"{subject}: throttled") from error
        there = {key for (key, _), code in zip(loads, codes, strict=False) if code == "ConditionalCheckFailed"}
        if not there:
            raise StoreUnavailableError(f"{subject}: {error}") from error
        return there


def _beside(load: Load) -> Iterator[dict[str, Any]]:
    # The ledger before the events: nobody who sees an event sees it without.
    yield from map(delivery_items.write_ledger_entry, load.entries)
    events = {event.version: event for event in load.events}
    yield from map(items.write_event, load.events)
    for request, expires_at in load.requests:
        yield items.write_request(events[request.version], request, expires_at)
    if load.timer:
        yield due_items.write_timer(load.timer)


def _transactions(loads: Sequence[Load]) -> Iterator[list[tuple[Key, Any]]]:
    some: list[tuple[Key, Any]] = []
    size = 0
    for load in loads:
        item = items.write_entity(load.entity, load.events[-1])
        # Never less than DynamoDB counts.
        bytes_of_item = len(repr(item).encode())
        if some and (len(some) == _PARTS or size + bytes_of_item > _TRANSACTION_BYTES):
            yield some
            some, size = [], 0
        some.append((load.key, item))
        size += bytes_of_item
    if some:
        yield some


def _slices(things: Sequence[_Thing], most: int) -> Iterator[Sequence[_Thing]]:
    return (things[start : start + most] for start in range(0, len(things), most))
