"""Lanes on the table: a partition for each queue, read whole and consistently before anybody is started."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from workflow.aws import items, lane_items, times
from workflow.aws.failures import CONFLICTS, THROTTLES, cancellation_reasons, translated
from workflow.aws.ledger import queued
from workflow.aws.place_items import write_place
from workflow.engine.entity import Entity
from workflow.engine.place import LaneKey, Place, left_and_taken
from workflow.errors import ContentionError, HistoryConflictError, StoreUnavailableError, ThrottledError
from workflow.runtime.lane_ports import InLane, LaneState, WatchedLane

log = logging.getLogger("workflow")

_TELL = {"ReturnValuesOnConditionCheckFailure": "ALL_OLD"}


class TableLanes:
    """Who runs and who waits, beside the entities of one table."""

    def __init__(self, client: Any, table_name: str, region: str = "") -> None:
        """`region`: which replica the table is, if it is a global one."""
        self._client = client
        self._table = table_name
        self.region = region

    def lane(self, lane: LaneKey, *, waiting: int) -> LaneState:
        """All that run and the first so many that wait, by one consistent query, if no more run than are asked for."""
        watched: datetime | None = None
        running: list[InLane] = []
        queue: list[InLane] = []
        # The watched row, those that run, and one more than is asked for, which tells whether there are more.
        for item in self._rows(lane, 2 * waiting + 2):
            if not lane_items.is_row(item):
                watched = lane_items.read_watch(item).at
                continue
            row = lane_items.read_row(item)
            (queue if row.place.is_waiting else running).append(row)
            if len(queue) > waiting:
                break
        return LaneState(running, queue[:waiting], len(queue) <= waiting, watched)

    def _rows(self, lane: LaneKey, page: int) -> Iterator[Any]:
        request = {
            "TableName": self._table,
            "ConsistentRead": True,
            "KeyConditionExpression": "pk = :pk AND sk <= :last",
            "ExpressionAttributeValues": {
                ":pk": {"S": lane_items.lane_partition(lane, self.region)},
                ":last": {"S": lane_items.LAST},
            },
        }
        page = max(page, _SMALLEST_PAGE)
        while True:
            with translated(f"reading the {lane} in table {self._table}"):
                found = self._client.query(**request, Limit=page)
            yield from found["Items"]
            if "LastEvaluatedKey" not in found:
                return
            request["ExclusiveStartKey"], page = found["LastEvaluatedKey"], 4 * page

    def watched_lanes(self, now: datetime) -> Iterator[WatchedLane]:
        """The lanes that a sweeper is to look at, the longest due first within each shard of the index."""
        with translated(f"reading watched lanes in table {self._table}"):
            keys = queued(self._client, self._table, lane_items.QUEUE, times.write_milliseconds(now)["N"], self.region)
            for key in keys:
                try:
                    watched = lane_items.read_watch(key)
                except HistoryConflictError as error:
                    # One that was changed by hand must not keep all others from being looked at.
                    log.error("a lane that is watched cannot be read: %s", error)
                    continue
                yield watched

    def watch_lane(self, lane: LaneKey, found: datetime | None, at: datetime | None) -> bool:
        """Has a sweeper look at the lane then, if `found` is what stands there."""
        condition: dict[str, Any] = {"ConditionExpression": "attribute_not_exists(pk)"}
        if found is not None:
            condition = {
                "ConditionExpression": "due_at = :found",
                "ExpressionAttributeValues": {":found": times.write_milliseconds(found)},
            }
        with translated(f"watching the {lane} in table {self._table}"):
            try:
                if at is None:
                    key = lane_items.watch_key(lane, self.region)
                    self._client.delete_item(TableName=self._table, Key=key, **condition)
                else:
                    watch = lane_items.write_watch(lane, at, self.region)
                    self._client.put_item(TableName=self._table, Item=watch, **condition)
            except self._client.exceptions.ConditionalCheckFailedException:
                return False
        return True

    def remove_from_lane(self, lane: LaneKey, found: InLane) -> bool:
        """Frees the place, if exactly this entity holds it since then, and whether it did."""
        row = lane_items.write_row(lane, found, self.region)
        refused = suppress(self._client.exceptions.ConditionalCheckFailedException)
        with refused, translated(f"mending the {lane} in table {self._table}"):
            self._client.delete_item(
                TableName=self._table,
                Key=lane_items.row_key(lane, found, self.region),
                ConditionExpression="entity = :entity AND since = :since",
                ExpressionAttributeValues={":entity": row["entity"], ":since": row["since"]},
            )
            return True
        return False

    def move_in_lane(self, entity: Entity, place: Place | None) -> bool:
        """Gives the entity another place, if it is as it was read and nobody else has the place."""
        left = entity.place if entity.place != place else None
        parts = {"entity": {"Update": {"TableName": self._table, **_placing(entity, place)}}}
        parts |= self.row_parts(entity.kind, entity.id, left, None)
        parts |= self.row_parts(entity.kind, entity.id, None, place)
        subject = f"mending the place of {entity.kind} {entity.id} in table {self._table}"
        failed = self._failed_parts(subject, parts)
        if failed == {"left"}:
            # Somebody else stands there by now, and stays.
            del parts["left"]
            failed = self._failed_parts(subject, parts)
        return not failed

    def _failed_parts(self, subject: str, parts: dict[str, Any]) -> set[str]:
        """Writes all parts, or none and says whose conditions did not hold."""
        try:
            with translated(subject):
                self._client.transact_write_items(TransactItems=list(parts.values()))
        except ClientError as error:
            codes = [str(reason.get("Code")) for reason in cancellation_reasons(error)]
            if not CONFLICTS.isdisjoint(codes):
                raise ContentionError(f"{subject}: another transaction was under way") from error
            if not THROTTLES.isdisjoint(codes):
                raise ThrottledError(f"{subject}: throttled") from error
            failed = {name for name, code in zip(parts, codes, strict=False) if code == "ConditionalCheckFailed"}
            if not failed:
                raise StoreUnavailableError(f"{subject}: {error}") from error
            return failed
        return set()

    def row_parts(self, kind: str, entity_id: str, before: Place | None, after: Place | None) -> dict[str, Any]:
        """The parts of a transaction that give the one place back and take the other, by name."""
        left, taken = left_and_taken(before, after)
        parts: dict[str, Any] = {}
        own = {":entity": {"S": entity_id}}
        condition = {
            "TableName": self._table,
            "ConditionExpression": "attribute_not_exists(pk) OR entity = :entity",
            "ExpressionAttributeValues": own,
            **_TELL,
        }
        if left is not None:
            key = lane_items.row_key(left.at(kind), InLane(entity_id, left), self.region)
            parts["left"] = {"Delete": {"Key": key, **condition}}
        if taken is not None:
            row = lane_items.write_row(taken.at(kind), InLane(entity_id, taken), self.region)
            parts["taken"] = {"Put": {"Item": row, **condition}}
        return parts


_SMALLEST_PAGE = 25
"""About what one read unit holds, 4 KB: fewer rows would cost as much.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/capacity-mode.html"""


def _placing(entity: Entity, place: Place | None) -> dict[str, Any]:
    names = {"#version": "version", "#state": "state", "#place": "place"}
    values: dict[str, Any] = {":version": {"N": str(entity.version)}, ":state": {"S": entity.state}}
    stands = "attribute_not_exists(#place)"
    if entity.place is not None:
        stands, values[":found"] = "#place = :found", write_place(entity.place)
    update = "REMOVE #place"
    if place is not None:
        update, values[":place"] = "SET #place = :place", write_place(place)
    return {
        "Key": items.key(entity.kind, entity.id, items.ENTITY),
        "UpdateExpression": update,
        "ConditionExpression": f"#version = :version AND #state = :state AND {stands}",
        "ExpressionAttributeNames": names,
        "ExpressionAttributeValues": values,
    }
