"""The Lambda that a schedule wakes once a minute: due timers fire, and what was put aside goes on."""

from __future__ import annotations

import logging
import os
from datetime import timedelta
from typing import Any

from workflow.aws.compose import open_client
from workflow.aws.gauges import Gauges
from workflow.aws.lambdas import settle
from workflow.aws.lambdas.invocations import invoked, open_metered
from workflow.aws.metrics import EmfMeter, count_delivered
from workflow.runtime.runtime import Runtime
from workflow.runtime.sweep import Sweeper
from workflow.settings import read_settings

log = logging.getLogger("workflow")


class SweepHandler:
    """Takes up what is due; one for the life of a process."""

    def __init__(
        self, runtime: Runtime, *, meter: EmfMeter | None = None, gauges: Gauges | None = None, workers: int = 16
    ) -> None:
        """`gauges` count who waits at this moment; without them, nobody does."""
        self._clock, self._gauges = runtime.clock, gauges
        self._meter = meter or EmfMeter("", runtime.clock)
        self._sweeper = Sweeper(runtime, workers=workers)

    def handle(self, remaining_ms: int) -> dict[str, int]:
        """Sweeps once and answers how much there was of what."""
        with self._meter.written():
            swept = self._sweeper.sweep(until=self._clock.now() + timedelta(milliseconds=remaining_ms))
            count_delivered(self._meter, swept)
            if self._gauges:
                self._gauges.count(self._meter)
        counts = {
            "timers_fired": swept.timers_fired,
            "started": swept.started,
            "effects_done": swept.effects_done,
            "effects_failed": swept.effects_failed,
            "put_aside": swept.put_aside,
            "for_people": swept.for_people.total(),
        }
        log.info("swept", extra=counts)
        return counts


def open_handler() -> SweepHandler:
    """The handler that the environment describes; raises SettingsError or RegisterHookError."""
    settings = read_settings()
    client = open_client(settings)
    runtime, meter = open_metered(settings, client)
    gauges = Gauges(client, settings.table, runtime.definitions, settings.region)
    return SweepHandler(runtime, meter=meter, gauges=gauges, workers=settings.workers)


_handler: SweepHandler | None = None


def handler(event: dict[str, Any], context: Any) -> dict[str, int]:
    """Lambda's entry point: whatever woke it, it sweeps."""
    global _handler
    with invoked(context):
        if _handler is None:
            _handler = open_handler()
        return _handler.handle(context.get_remaining_time_in_millis())


if os.environ.get("AWS_LAMBDA_FUNCTION_NAME"):
    # Once per process, before the first sweep: a broken setting shows at once.
    _handler = open_handler()
    settle()
