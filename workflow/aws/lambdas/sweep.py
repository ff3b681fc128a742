"""The Lambda that a schedule wakes once a minute: due timers fire, and what was put aside goes on."""

from __future__ import annotations

import json
import logging
import os
import sys
from datetime import timedelta
from typing import Any

from workflow.aws.compose import open_runtime
from workflow.aws.lambdas import settle
from workflow.aws.metrics import parked_metrics
from workflow.runtime.runtime import Runtime
from workflow.runtime.sweep import Sweeper
from workflow.settings import read_settings

# Lambda's runtime has a handler already, and this does nothing there.
logging.basicConfig(stream=sys.stdout, format="%(levelname)s %(message)s")
log = logging.getLogger("workflow")
log.setLevel(os.environ.get("WORKFLOW_LOG_LEVEL", "INFO"))


class SweepHandler:
    """Takes up what is due; one for the life of a process."""

    def __init__(self, runtime: Runtime, *, workers: int = 16) -> None:
        self._runtime = runtime
        self._sweeper = Sweeper(runtime, workers=workers)

    def handle(self, remaining_ms: int) -> dict[str, int]:
        """Sweeps once and answers how much there was of what."""
        clock = self._runtime.clock
        swept = self._sweeper.sweep(until=clock.now() + timedelta(milliseconds=remaining_ms))
        for line in parked_metrics(swept.for_people, clock.now()):
            print(line, flush=True)
        counts = {
            "timers_fired": swept.timers_fired,
            "started": swept.started,
            "effects_done": swept.effects_done,
            "effects_failed": swept.effects_failed,
            "put_aside": swept.put_aside,
            "for_people": swept.for_people.total(),
        }
        log.info("%s", json.dumps(counts))
        return counts


def open_handler() -> SweepHandler:
    """The handler that the environment describes; raises SettingsError or RegisterHookError."""
    settings = read_settings()
    return SweepHandler(open_runtime(settings), workers=settings.workers)


_handler: SweepHandler | None = None


def handler(event: dict[str, Any], context: Any) -> dict[str, int]:
    """Lambda's entry point: whatever woke it, it sweeps."""
    global _handler
    if _handler is None:
        _handler = open_handler()
    return _handler.handle(context.get_remaining_time_in_millis())


if os.environ.get("AWS_LAMBDA_FUNCTION_NAME"):
    # Once per process, before the first sweep: a broken setting shows at once.
    _handler = open_handler()
    settle()
