"""What was taken from a lane, carried out: given up, invoked with, and told."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from workflow.event_source import Batch, Discard, Next, after_invocation
from workflow.local.pump.destination import Destination
from workflow.local.pump.invoke import invoke
from workflow.local.pump.mapping import Mapping
from workflow.local.pump.records import Delivered


@dataclass(frozen=True, slots=True)
class Delivery:
    """What an observer learns: records in wire form, how many of them are done, and why the rest are not.

    Behind the done ones, `discarded` are given up, and all others come again. `failure` is empty when all are done.
    `log` is the end of what the function wrote, at most 4 KB. Records too old to be invoked with are a delivery that
    took no time.
    """

    records: tuple[dict[str, Any], ...]
    acknowledged: int
    failure: str
    log: str
    duration_ms: float
    discarded: int = 0


def deliver_batch(
    functions: Any, destination: Destination, mapping: Mapping, shard_id: str, batch: Batch[Delivered]
) -> tuple[Next[Delivered], Delivery]:
    """Invoke with a batch that is not empty, and send on what is given up then; never raises."""
    invocation = invoke(functions, mapping, batch.records)
    result = after_invocation(batch, invocation.answer, mapping.settings, now=time.time())
    failure, discarded = invocation.failure, 0
    if result.discard is not None:
        discarded = len(result.discard.records)
        failure = f"{failure}; {destination.send(mapping, shard_id, result.discard)}"
    delivery = Delivery(
        tuple(record.record for record in batch.records),
        len(result.done),
        failure,
        invocation.log,
        invocation.duration_ms,
        discarded,
    )
    return result, delivery


def give_up(destination: Destination, mapping: Mapping, shard_id: str, discard: Discard[Delivered]) -> Delivery:
    """Send on what was too old to be invoked with; never raises."""
    records = tuple(record.record for record in discard.records)
    return Delivery(records, 0, destination.send(mapping, shard_id, discard), "", 0.0, len(records))
