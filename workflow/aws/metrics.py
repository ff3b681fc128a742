"""Metrics in CloudWatch's embedded format: lines in the log, and no call.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeAlias

from workflow.runtime.metering import REFUSALS, Meter
from workflow.runtime.ports import Clock

if TYPE_CHECKING:
    from workflow.runtime.delivered import Delivered

NAMESPACE = "Workflow"
TRANSITIONS = "Transitions"
EFFECTS_DONE = "EffectsDone"
EFFECTS_FAILED = "EffectsFailed"
EFFECTS_PUT_ASIDE = "EffectsPutAside"
EFFECTS_PARKED = "EffectsParked"
PARKED_NOW = "ParkedNow"
VIOLATIONS = "Violations"
DELIVERY_LAG = "DeliveryLag"
LANE_WAITING = "LaneWaiting"
TIMERS_FIRED = "TimersFired"
WEBHOOK_ANSWERS = "WebhookAnswers"
API_ANSWERS = "ApiAnswers"

MOST_VALUES = 100
"""How many values of one metric a line may hold."""

_OWN = ("table",)
_DIMENSIONS: Mapping[str, tuple[tuple[str, ...], ...]] = {
    # Each is a metric of its own, which costs: only what somebody alarms on, or asks which of them it was.
    EFFECTS_PARKED: ((), _OWN, ("table", "kind", "hook")),
    REFUSALS: (_OWN, ("table", "kind", "reason")),
    LANE_WAITING: (("table", "kind", "lane"),),
    API_ANSWERS: (("table", "outcome"),),
    WEBHOOK_ANSWERS: (("table", "outcome"), ("table", "source", "outcome")),
}
_UNITS = {DELIVERY_LAG: "Milliseconds"}

_Series: TypeAlias = tuple[tuple[str, str], ...]


class EmfMeter:
    """Adds up what one invocation does and writes it as lines of the log; safe from several threads.

    Every metric has the table's name for a dimension: stacks of one account are told apart by it.
    """

    def __init__(self, table: str, clock: Clock, *, write: Callable[[str], object] | None = None) -> None:
        """`write` takes the lines; by default standard output, which in a Lambda is the log."""
        self._table, self._clock, self._write = table or "none", clock, write
        self._lock = threading.Lock()
        self._sums: dict[_Series, dict[str, float]] = {}
        self._values: dict[str, list[float]] = {}

    def count(self, metric: str, value: float = 1, **dimensions: str) -> None:
        """Adds `value` to the metric of those dimensions; 0 is written as well."""
        # A dimension must say something: a history that cannot be read is parked at no hook.
        series = tuple(sorted((name, said or "none") for name, said in dimensions.items()))
        with self._lock:
            sums = self._sums.setdefault(series, {})
            sums[metric] = sums.get(metric, 0) + value

    def keep(self, metric: str, values: Sequence[float]) -> None:
        """Keeps each value by itself, so that percentiles can be asked for; the first MOST_VALUES of an invocation."""
        with self._lock:
            kept = self._values.setdefault(metric, [])
            kept += values[: MOST_VALUES - len(kept)]

    @contextmanager
    def written(self) -> Iterator[None]:
        """Writes what was counted once the block has ended, however it ends."""
        try:
            yield
        finally:
            write = self._write or sys.stdout.write
            for line in self.take():
                # In one piece, and not through the log: before it there may be nothing, and no level hides it.
                write(f"{line}\n")
            sys.stdout.flush()

    def take(self) -> list[str]:
        """What was counted since the last time, a line of JSON for each set of dimensions."""
        with self._lock:
            sums, values = self._sums, {name: kept for name, kept in self._values.items() if kept}
            self._sums, self._values = {}, {}
        told: dict[_Series, dict[str, float | list[float]]] = {series: {**metrics} for series, metrics in sums.items()}
        if values:
            told.setdefault((), {}).update(values)
        at = int(self._clock.now().timestamp() * 1000)
        return [
            json.dumps(_document(at, {"table": self._table, **dict(series)}, told[series])) for series in sorted(told)
        ]


def count_delivered(meter: Meter, delivered: Delivered) -> None:
    """Counts what became of a delivery or a sweep; what there was none of is not written, for it says nothing."""
    counted = {
        EFFECTS_DONE: delivered.effects_done,
        EFFECTS_FAILED: delivered.effects_failed,
        EFFECTS_PUT_ASIDE: delivered.put_aside,
        VIOLATIONS: delivered.violations,
        TIMERS_FIRED: delivered.timers_fired,
    }
    for metric, number in counted.items():
        if number:
            meter.count(metric, number)
    for (kind, hook), number in delivered.for_people.items():
        meter.count(EFFECTS_PARKED, number, kind=kind, hook=hook)


def _document(at: int, dimensions: Mapping[str, str], metrics: Mapping[str, Any]) -> dict[str, Any]:
    by_sets: dict[tuple[tuple[str, ...], ...], list[str]] = {}
    for metric in metrics:
        by_sets.setdefault(_DIMENSIONS.get(metric, (_OWN,)), []).append(metric)
    told = [
        {
            "Namespace": NAMESPACE,
            "Dimensions": [list(names) for names in sets],
            "Metrics": [{"Name": name, "Unit": _UNITS.get(name, "Count")} for name in names_of],
        }
        for sets, names_of in by_sets.items()
    ]
    return {"_aws": {"Timestamp": at, "CloudWatchMetrics": told}, **dimensions, **metrics}
