"""Our own schedule: it wakes the deployed sweep function as EventBridge Scheduler would, and tells what came of it."""

from __future__ import annotations

import base64
import json
import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from workflow.aws.client import make_client
from workflow.local.errors import SweepError

if TYPE_CHECKING:
    from workflow.local.stack import Stack

DEFAULT_SECONDS = 60.0
_RATE = re.compile(r"rate\((?P<count>\d+) (?P<unit>minute|hour|day)s?\)")
_UNIT_SECONDS = {"minute": 60.0, "hour": 3600.0, "day": 86400.0}
_STOP_TIMEOUT_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Sweep:
    """What an observer learns: what the function counted, why it failed (empty if it did not), the end of its log."""

    counts: Mapping[str, int] = field(default_factory=dict)
    failure: str = ""
    log: str = ""
    duration_ms: float = 0.0


class Schedule:
    """Sweeps in the background between `with` and the end of its block, one sweep at a time.

    `every_seconds` takes the place of what the template says. `on_sweep` is called after every sweep, from the thread
    that made it.
    """

    def __init__(
        self, stack: Stack, *, every_seconds: float | None = None, on_sweep: Callable[[Sweep], None] | None = None
    ) -> None:
        self._functions = make_client("lambda", endpoint_url=stack.endpoint_url)
        self._stack, self._every_seconds, self._on_sweep = stack, every_seconds, on_sweep
        self._one_at_a_time = threading.Lock()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="schedule", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Begin no further sweep; one that is under way is waited for, for a few seconds at most."""
        self._stopping.set()
        self._thread.join(_STOP_TIMEOUT_SECONDS)

    def follow(self, stack: Stack) -> None:
        """Go on with the stack's function and schedule as they are now."""
        self._stack = stack

    def sweep(self) -> Mapping[str, int]:
        """Sweep once now and return what the function counted; raises SweepError if it failed."""
        swept = self._sweep()
        if swept.failure:
            raise SweepError(f"{self._stack.sweep_function_name} failed: {swept.failure}\n{swept.log}".rstrip())
        return swept.counts

    def _run(self) -> None:
        while not self._stopping.wait(self._every_seconds or self._stack.sweep_seconds):
            self._sweep()

    def _sweep(self) -> Sweep:
        with self._one_at_a_time:
            swept = _invoke(self._functions, self._stack.sweep_function_name)
        if self._on_sweep is not None:
            self._on_sweep(swept)
        return swept


def _invoke(functions: Any, function_name: str) -> Sweep:
    started = time.monotonic()
    try:
        answer = functions.invoke(FunctionName=function_name, Payload=b"{}", LogType="Tail")
        content = json.loads(answer["Payload"].read() or b"null")
    except Exception as error:
        # Whatever it was, the next sweep comes anyway: as on AWS.
        return Sweep(failure=f"it could not be invoked: {error}")
    log = base64.b64decode(answer.get("LogResult", "")).decode("utf-8", "replace")
    took_ms = (time.monotonic() - started) * 1000
    if "FunctionError" in answer or not isinstance(content, dict):
        problem = content.get("errorMessage", content) if isinstance(content, dict) else content
        return Sweep(failure=str(problem), log=log, duration_ms=took_ms)
    return Sweep(content, "", log, took_ms)


def find_interval_seconds(endpoint_url: str, function_name: str) -> float:
    """Return the interval of the function's schedule; a minute if that is not a rate, or not to be found."""
    scheduler = make_client("scheduler", endpoint_url=endpoint_url)
    for listed in scheduler.list_schedules()["Schedules"]:
        found = scheduler.get_schedule(Name=listed["Name"], GroupName=listed["GroupName"])
        if found["Target"]["Arn"].endswith(f":function:{function_name}"):
            return interval_seconds(found["ScheduleExpression"])
    return DEFAULT_SECONDS


def interval_seconds(expression: str) -> float:
    """Return the interval of a `rate(...)`; a minute for every other expression."""
    rate = _RATE.fullmatch(expression.strip())
    return int(rate["count"]) * _UNIT_SECONDS[rate["unit"]] if rate else DEFAULT_SECONDS
