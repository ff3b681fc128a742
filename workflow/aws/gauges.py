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
"""The most entries that are counted in one place: in a shard of those that wait for a person, or in a lane. What is
told of more is that many."""


class Gauges:
    """Counts who waits in one table, of the kinds that are loaded."""

    def __init__(self, client: Any, table: str, definitions: Definitions, region: str = "") -> None:
        """`region`: which replica the table is, if it is a global one."""
        self._client, self._table, self._region = client, table, region
        # The newest version of each kind, as everywhere where nobody asks for another.
        loaded = [definition for kind in definitions.kinds if (definition := definitions.find(kind))]
        self._lanes = {(one.kind, lane.name): lane.waiting for one in loaded for lane in one.lanes.values()}

    def count(self, meter: Meter) -> None:
        """Has the meter count all of them; what cannot be read is in the log, and never raised."""
        try:
            meter.count(PARKED_NOW, self._parked())
            for (kind, lane), state in self._lanes.items():
                meter.count(LANE_WAITING, self._in_state(kind, state), kind=kind, lane=lane)
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
