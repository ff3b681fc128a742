"""The store on one DynamoDB table: every transition is one conditional transaction."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from workflow.aws import delivery_items, due_items, event_items, items, times
from workflow.aws.failures import CONFLICTS, THROTTLES, Unanswered, cancellation_reasons, is_too_large, translated
from workflow.aws.lanes import TableLanes
from workflow.aws.ledger import commit_update, queued
from workflow.engine.entity import Entity
from workflow.engine.events import Event
from workflow.errors import (
    ContentionError,
    HistoryConflictError,
    StoreAccessError,
    StoreUnavailableError,
    ThrottledError,
    TooLargeError,
)
from workflow.runtime.ports import Contested, Listed, Request, SetTimer, Violation, Write

log = logging.getLogger("workflow")

_ABSENT = "attribute_not_exists(pk)"
_TELL = {"ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
_FAILED = "ConditionalCheckFailed"
_LONGEST_PAGE = 1000


class TableStore(TableLanes):
    """Entities with their events, requests, timers and lanes in one table, laid out as `workflow.aws.items` says."""

    def __init__(self, client: Any, table_name: str, *, request_days: int = 30, region: str = "") -> None:
        """`request_days`: how long a request id is remembered at the least; `region`: which replica the table is, if it
        is a global one."""
        super().__init__(client, table_name, region)
        self._request_days = timedelta(days=request_days)
        self._unanswered = Unanswered(client, "TransactWriteItems")

    def find_entity(self, kind: str, entity_id: str) -> Entity | None:
        """The entity as it is now, by a consistent read."""
        item = self._find(kind, entity_id, items.ENTITY)
        return items.read_entity(item) if item else None

    def find_event(self, kind: str, entity_id: str, version: int) -> Event | None:
        """The event that made the version, by a consistent read."""
        item = self._find(kind, entity_id, items.sort_key("event", version))
        return event_items.read_event(item) if item else None

    def find_request(self, kind: str, entity_id: str, request_id: str) -> Request | None:
        """What the request id was used for, by a consistent read."""
        item = self._find(kind, entity_id, f"request#{request_id}")
        return event_items.read_request(item) if item else None

    def _find(self, kind: str, entity_id: str, sk: str) -> Any:
        with translated(f"reading {kind} {entity_id} in table {self._table}"):
            answer = self._client.get_item(
                TableName=self._table, Key=items.key(kind, entity_id, sk), ConsistentRead=True
            )
        return answer.get("Item")

    def events(self, kind: str, entity_id: str, *, after: int = 0, limit: int | None = None) -> Iterator[Event]:
        """The events above `after` in version order, by consistent reads, page by page."""
        first, last = items.sort_key("event", after + 1), "event#~"
        for item in self._query(kind, entity_id, first, last, limit):
            yield event_items.read_event(item)

    def violations(self, kind: str, entity_id: str) -> Sequence[Violation]:
        """The violations recorded for the entity, oldest first."""
        found = self._query(kind, entity_id, "violation#", "violation#~", None)
        return sorted(map(delivery_items.read_violation, found), key=lambda violation: violation.at)

    def _query(self, kind: str, entity_id: str, first: str, last: str, limit: int | None) -> Iterator[Any]:
        request = {
            "TableName": self._table,
            "ConsistentRead": True,
            "KeyConditionExpression": "pk = :pk AND sk BETWEEN :first AND :last",
            "ExpressionAttributeValues": {
                ":pk": {"S": items.partition(kind, entity_id)},
                ":first": {"S": first},
                ":last": {"S": last},
            },
        }
        return self._pages(request, f"reading {kind} {entity_id} in table {self._table}", limit)

    def listing(self, kind: str, state: str, *, after: str = "", limit: int | None = None) -> Iterator[Listed]:
        """The entities last seen in the state, by id, from the sparse index; may lag behind by moments."""
        request = {
            "TableName": self._table,
            "IndexName": items.INDEX,
            "KeyConditionExpression": "listed = :listed AND pk > :after",
            "ExpressionAttributeValues": {
                ":listed": {"S": items.listed(kind, state)},
                ":after": {"S": items.partition(kind, after)},
            },
        }
        return map(items.read_listed, self._pages(request, f"listing {kind} in table {self._table}", limit))

    def _pages(self, request: dict[str, Any], subject: str, limit: int | None) -> Iterator[Any]:
        left = limit
        while left is None or left > 0:
            with translated(subject):
                page = self._client.query(**request, **({} if left is None else {"Limit": min(left, _LONGEST_PAGE)}))
            yield from page["Items"]
            if "LastEvaluatedKey" not in page:
                return
            request = {**request, "ExclusiveStartKey": page["LastEvaluatedKey"]}
            left = None if left is None else left - len(page["Items"])

    def commit(self, write: Write) -> Contested | None:
        """Writes entity, event and request in one transaction, or says what stood in the way.

        The old images that DynamoDB returns with a cancelled transaction tell the reason without another read.
        https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
        """
        subject = f"writing {write.event.kind} {write.event.entity_id} in table {self._table}"
        self._unanswered.forget()
        try:
            return self._transact(subject, write)
        except (StoreAccessError, ThrottledError, ContentionError, TooLargeError) as error:
            if self._unanswered:
                raise StoreUnavailableError(f"{error} (an earlier attempt was not answered)") from error
            raise

    def _transact(self, subject: str, write: Write) -> Contested | None:
        parts = self._parts(write)
        try:
            with translated(subject):
                self._client.transact_write_items(TransactItems=list(parts.values()), ClientRequestToken=write.token)
        except ClientError as error:
            return _contested(subject, error, list(parts))
        return None

    def _parts(self, write: Write) -> dict[str, Any]:
        """The parts of the transaction, each under the name by which `_contested` knows it."""
        event, request = write.event, write.request
        parts = {"entity": self._entity_part(write), "event": self._put(event_items.write_event(event))}
        if request is not None:
            item = event_items.write_request(event, request, event.at + self._request_days)
            parts["request"] = self._put(item)
        if write.timer is not None:
            # Without a condition of its own: that of the entity says that no other timer can be the right one.
            timer = due_items.write_timer(write.timer, self.region)
            parts["timer"] = {"Put": {"TableName": self._table, "Item": timer}}
        if write.settles is not None:
            settling = commit_update(*write.settles, self.region)
            parts["settled"] = {"Update": {"TableName": self._table, **settling, **_TELL}}
        before = write.before.place if write.before else None
        return parts | self.row_parts(event.kind, event.entity_id, before, write.after.place)

    def _entity_part(self, write: Write) -> dict[str, Any]:
        if write.before is None:
            return self._put(items.write_entity(write.after, write.event))
        update = items.entity_update(write.event, write.before, write.after)
        return {"Update": {"TableName": self._table, **update, **_TELL}}

    def _put(self, item: dict[str, Any]) -> dict[str, Any]:
        return {"Put": {"TableName": self._table, "Item": item, "ConditionExpression": _ABSENT, **_TELL}}

    def find_timer(self, kind: str, entity_id: str) -> SetTimer | None:
        """The timer that was set last, by a consistent read."""
        item = self._find(kind, entity_id, due_items.TIMER)
        return due_items.read_timer(item) if item else None

    def due_timers(self, now: datetime) -> Iterator[SetTimer]:
        """The timers that are due, soonest first within each shard of the index."""
        with translated(f"reading due timers in table {self._table}"):
            for key in queued(self._client, self._table, "timer", times.write_milliseconds(now)["N"], self.region):
                try:
                    timer = self.find_timer(*items.split_partition(key["pk"]["S"]))
                except HistoryConflictError as error:
                    # One that was changed by hand must not keep all others from firing.
                    log.error("a timer cannot be read: %s", error)
                    continue
                if timer is not None and not timer.refused and timer.at <= now:
                    yield timer

    def change_timer(self, found: SetTimer, timer: SetTimer | None) -> None:
        """Puts another timer in the place of `found`, or none, if that is what stands there."""
        old = due_items.write_timer(found)
        request: dict[str, Any] = {
            "TableName": self._table,
            "ConditionExpression": "version = :version AND #at = :at",
            "ExpressionAttributeNames": {"#at": "at"},
            "ExpressionAttributeValues": {":version": old["version"], ":at": old["at"]},
        }
        with translated(f"changing the timer of {found.kind} {found.entity_id} in table {self._table}"):
            try:
                if timer is None:
                    self._client.delete_item(Key=items.key(found.kind, found.entity_id, due_items.TIMER), **request)
                else:
                    self._client.put_item(Item=due_items.write_timer(timer, self.region), **request)
            except self._client.exceptions.ConditionalCheckFailedException:
                pass

    def record_violation(self, violation: Violation) -> None:
        """Keeps the violation; recording one twice keeps one."""
        with translated(f"writing {violation.kind} {violation.entity_id} in table {self._table}"):
            self._client.put_item(TableName=self._table, Item=delivery_items.write_violation(violation))


def _contested(subject: str, error: ClientError, parts: Sequence[str]) -> Contested:
    reasons = cancellation_reasons(error)
    codes = {reason.get("Code") for reason in reasons}
    # Before the conditions: a part that was in conflict does not tell what stands there.
    if codes & CONFLICTS:
        raise ContentionError(f"{subject}: another transaction was under way") from error
    if codes & THROTTLES:
        raise ThrottledError(f"{subject}: throttled") from error
    if _FAILED in codes:
        failed = {name: why for name, why in zip(parts, reasons, strict=False) if why.get("Code") == _FAILED}
        found = {name: why["Item"] for name, why in failed.items() if "Item" in why}
        return Contested(
            entity=items.read_entity(found["entity"]) if "entity" in found else None,
            event=event_items.read_event(found["event"]) if "event" in found else None,
            request=event_items.read_request(found["request"]) if "request" in found else None,
            lease_lost="settled" in failed,
            slot_taken="taken" in failed,
            slot_lost="left" in failed,
        )
    messages = "; ".join(str(reason.get("Message")) for reason in reasons if reason.get("Message"))
    if is_too_large(messages):
        raise TooLargeError(f"{subject}: {messages}; an item holds at most 400 KB: put large values into S3") from error
    if "ValidationError" in codes:
        raise StoreAccessError(f"{subject}: ValidationError: {messages}") from error
    raise StoreUnavailableError(f"{subject}: {messages or error}") from error
