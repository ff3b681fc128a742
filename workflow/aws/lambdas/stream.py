"""The one Lambda that the table's stream wakes, whatever the definitions and hooks are."""

from __future__ import annotations

import json
import logging
import os
import sys
from datetime import timedelta
from typing import Any

from workflow.aws.compose import open_runtime
from workflow.aws.images import Plan
from workflow.aws.lambdas import settle
from workflow.aws.metrics import parked_metrics
from workflow.aws.stream import look, partial_batch_response, plans
from workflow.runtime.deliver import Deliverer
from workflow.runtime.runtime import Runtime
from workflow.settings import read_settings

# Lambda's runtime has a handler already, and this does nothing there.
logging.basicConfig(stream=sys.stdout, format="%(levelname)s %(message)s")
log = logging.getLogger("workflow")
log.setLevel(os.environ.get("WORKFLOW_LOG_LEVEL", "INFO"))


class StreamHandler:
    """Delivers batches of stream records; one for the life of a process."""

    def __init__(self, runtime: Runtime, *, workers: int = 16) -> None:
        self._runtime = runtime
        self._plans: dict[str, Plan] = plans(runtime.definitions)
        self._deliverer = Deliverer(runtime, workers=workers)

    def handle(self, records: list[dict[str, Any]], remaining_ms: int) -> dict[str, Any]:
        """Runs what the records owe and answers which of them must come again."""
        found = look(records, self._plans)
        until = self._runtime.clock.now() + timedelta(milliseconds=remaining_ms)
        delivered = self._deliverer.deliver(found.changes, until=until)
        for line in parked_metrics(delivered.for_people, self._runtime.clock.now()):
            # Not through the log: its prefix would make it no JSON.
            print(line, flush=True)
        counts = {
            "records": len(records),
            "transitions": found.transitions,
            "unchanged": found.unchanged,
            "foreign": found.foreign,
            "malformed": found.malformed,
            "effects_done": delivered.effects_done,
            "effects_failed": delivered.effects_failed,
            "put_aside": delivered.put_aside,
            "waiting": delivered.waiting,
            "for_people": delivered.for_people.total(),
            "started": delivered.started,
            "violations": delivered.violations,
            "to_come_again": len(delivered.failed),
        }
        log.info("%s", json.dumps(counts))
        return partial_batch_response(delivered.failed)


def open_handler() -> StreamHandler:
    """The handler that the environment describes; raises SettingsError or RegisterHookError."""
    settings = read_settings()
    return StreamHandler(open_runtime(settings), workers=settings.workers)


_handler: StreamHandler | None = None


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Lambda's entry point: a batch of stream records in, the partial batch response out."""
    global _handler
    if _handler is None:
        _handler = open_handler()
    return _handler.handle(event.get("Records", []), context.get_remaining_time_in_millis())


if os.environ.get("AWS_LAMBDA_FUNCTION_NAME"):
    # Once per process, before the first record: a broken setting shows at once, and not as a batch that failed.
    _handler = open_handler()
    settle()
