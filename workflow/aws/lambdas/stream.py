"""The one Lambda that the table's stream wakes, whatever the definitions and hooks are."""

from __future__ import annotations

import logging
import os
from datetime import timedelta
from typing import Any

from workflow.aws.images import Plan
from workflow.aws.lag import delivery_lags
from workflow.aws.lambdas import settle
from workflow.aws.lambdas.invocations import invoked, open_metered
from workflow.aws.metrics import DELIVERY_LAG, TRANSITIONS, EmfMeter, count_delivered
from workflow.aws.stream import Look, look, partial_batch_response, plans
from workflow.runtime.deliver import Delivered, Deliverer
from workflow.runtime.runtime import Runtime
from workflow.settings import read_settings

log = logging.getLogger("workflow")


class StreamHandler:
    """Delivers batches of stream records; one for the life of a process."""

    def __init__(self, runtime: Runtime, *, meter: EmfMeter | None = None, workers: int = 16) -> None:
        self._runtime = runtime
        self._meter = meter or EmfMeter("", runtime.clock)
        self._plans: dict[str, Plan] = plans(runtime.definitions)
        self._deliverer = Deliverer(runtime, workers=workers)

    def handle(self, records: list[dict[str, Any]], remaining_ms: int) -> dict[str, Any]:
        """Runs what the records owe and answers which of them must come again."""
        with self._meter.written():
            return self._deliver(records, remaining_ms)

    def _deliver(self, records: list[dict[str, Any]], remaining_ms: int) -> dict[str, Any]:
        clock = self._runtime.clock
        found = look(records, self._plans, self._runtime.region)
        if found.transitions:
            self._meter.count(TRANSITIONS, found.transitions)
        until = clock.now() + timedelta(milliseconds=remaining_ms)
        delivered = self._deliverer.deliver(found.changes, until=until, partial=found.partial)
        if delivered.recalled:
            self._meter.count(TRANSITIONS, delivered.recalled)
        count_delivered(self._meter, delivered)
        answer = partial_batch_response(delivered.failed)
        again_from = next((one["itemIdentifier"] for one in answer["batchItemFailures"]), "")
        self._meter.keep(DELIVERY_LAG, delivery_lags(records, clock.now(), again_from=again_from))
        log.info("delivered", extra=_counts(len(records), found, delivered))
        return answer


def _counts(records: int, found: Look, delivered: Delivered) -> dict[str, int]:
    return {
        "records": records,
        "transitions": found.transitions + delivered.recalled,
        "unchanged": found.unchanged,
        "foreign": found.foreign,
        "elsewhere": found.elsewhere,
        "malformed": found.malformed,
        "effects_done": delivered.effects_done,
        "effects_failed": delivered.effects_failed,
        "put_aside": delivered.put_aside,
        "waiting": delivered.waiting,
        "for_people": delivered.for_people.total(),
        "started": delivered.started,
        "violations": delivered.violations,
        "to_come_again": len(delivered.failed),
        "reads": delivered.reads,
    }


def open_handler() -> StreamHandler:
    """The handler that the environment describes; raises SettingsError or RegisterHookError."""
    settings = read_settings()
    runtime, meter = open_metered(settings)
    return StreamHandler(runtime, meter=meter, workers=settings.workers)


_handler: StreamHandler | None = None


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Lambda's entry point: a batch of stream records in, the partial batch response out."""
    global _handler
    with invoked(context):
        if _handler is None:
            _handler = open_handler()
        return _handler.handle(event.get("Records", []), context.get_remaining_time_in_millis())


if os.environ.get("AWS_LAMBDA_FUNCTION_NAME"):
    # Once per process, before the first record: a broken setting shows at once, and not as a batch that failed.
    _handler = open_handler()
    settle()
