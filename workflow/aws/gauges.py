"""How many wait at this moment, counted on the indexes: what a sweeper tells each minute.

A count reads what a listing would, and returns only the number. Each costs half a read unit for every 4 KB of index
that it passes over, and at least half a unit; none passes over more than MOST_COUNTED entries.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Query.Other.html
"""

from __future__ import annotations

import logging
from typing import Any

from workflow.aws import due_items, items
from workflow.aws.failures import translated
from workflow.aws.metrics import LANE_WAITING, PARKED_NOW
from workflow.definition.definition import Definitions
from workflow.errors import WorkflowError
from workflow.runtime.metering import Meter

log = logging.getLogger("workflow")

MOST_COUNTED = 1000
"""The most entries that are counted in one place: in a shard of those that wait for a person, or in a lane's waiting
state. What is told of more is that many."""


class Gauges:
    """Counts who waits in one table, of the kinds that are loaded."""

    def __init__(self, client: Any, table: str, definitions: Definitions, region: str = "") -> None:
        """`region`: which replica the table is, if it is a global one."""
        self._client, self._table, self._region = client, table, region
        # Of every version: who has not moved since an older one still waits where that one says.
        self._lanes: dict[tuple[str, str], set[str]] = {}
        for one in definitions:
            for lane in one.lanes.values():
                self._lanes.setdefault((one.kind, lane.name), set()).add(lane.waiting)

    def count(self, meter: Meter) -> None:
        """Has the meter count all of them; what cannot be read is in the log, and never raised."""
        try:
            meter.count(PARKED_NOW, self._parked())
            for (kind, lane), states in self._lanes.items():
                waiting = sum(self._in_state(kind, state) for state in states)
                meter.count(LANE_WAITING, waiting, kind=kind, lane=lane)
        except WorkflowError as error:
            log.warning("who waits is not counted: %s", error)

    def _parked(self) -> int:
        shares = [due_items.queue_share("parked", shard, self._region) for shard in range(due_items.DUE_SHARDS)]
        return sum(self._number(due_items.DUE_INDEX, "due", share) for share in shares)

    def _in_state(self, kind: str, state: str) -> int:
        return self._number(items.INDEX, "listed", items.listed(kind, state))

    def _number(self, index: str, name: str, value: str) -> int:
        with translated(f"counting {value!r} in table {self._table}"):
            answer = self._client.query(
                TableName=self._table,
                IndexName=index,
                Select="COUNT",
                Limit=MOST_COUNTED,
                KeyConditionExpression="#name = :value",
                ExpressionAttributeNames={"#name": name},
                ExpressionAttributeValues={":value": {"S": value}},
            )
        return int(answer["Count"])
