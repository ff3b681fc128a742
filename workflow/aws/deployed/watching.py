"""Facts of who watches: alarms, what CloudWatch counted of late, and the schedule of the sweeper."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from botocore import xform_name

from workflow.runtime.doctor.facts import AlarmFacts, FunctionFacts, MetricFacts, RecentFacts, ScheduleFacts

MINUTES = 10
_NAMESPACE = "AWS/Lambda"


def read_alarms(metrics: Any) -> Sequence[AlarmFacts]:
    """All alarms of the account and region on metrics; which of them are the stack's is told by what they look at."""
    pages = metrics.get_paginator("describe_alarms").paginate(AlarmTypes=["MetricAlarm"])
    return [_alarm(found) for page in pages for found in page["MetricAlarms"]]


def _alarm(found: Mapping[str, Any]) -> AlarmFacts:
    parts = [one["MetricStat"]["Metric"] for one in found.get("Metrics") or [] if "MetricStat" in one]
    return AlarmFacts(
        name=found["AlarmName"],
        metrics=frozenset(_metric(one) for one in [found, *parts] if one.get("MetricName")),
        state=found.get("StateValue", ""),
        reason=found.get("StateReason", ""),
        description=found.get("AlarmDescription", ""),
        is_enabled=bool(found.get("ActionsEnabled", True)),
        actions=tuple(found.get("AlarmActions") or ()),
        missing_data=found.get("TreatMissingData") or "missing",
        comparison=found.get("ComparisonOperator", ""),
        threshold=float(found.get("Threshold") or 0),
        is_expression=any("Expression" in one for one in found.get("Metrics") or []),
        changed_at=found.get("AlarmConfigurationUpdatedTimestamp"),
    )


def _metric(found: Mapping[str, Any]) -> MetricFacts:
    dimensions = frozenset((one["Name"], one["Value"]) for one in found.get("Dimensions") or [])
    return MetricFacts(found.get("Namespace", ""), found["MetricName"], dimensions)


def read_recent(metrics: Any, functions: Sequence[FunctionFacts], now: datetime) -> RecentFacts:
    """What Lambda counted of the functions in the last minutes, by one call.

    https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
    """
    asked = [(name, function) for function in functions for name in ("Throttles", "Errors", "Invocations")]
    asked += [("IteratorAge", one) for one in functions if one.role == "stream"]
    answer = metrics.get_metric_data(
        MetricDataQueries=[_query(f"m{number}", *one) for number, one in enumerate(asked)],
        StartTime=now - timedelta(minutes=MINUTES),
        EndTime=now,
    )
    values = {one["Id"]: one["Values"] for one in answer["MetricDataResults"]}
    found = [(*one, values.get(f"m{number}", [])) for number, one in enumerate(asked)]
    ages = [max(told) for name, _, told in found if name == "IteratorAge" and told]
    counts = {
        counted: {one.name: int(sum(told)) for name, one, told in found if name == counted}
        for counted in ("Throttles", "Errors", "Invocations")
    }
    sweeper = next((one.name for one in functions if one.role == "sweep"), "")
    return RecentFacts(
        minutes=MINUTES,
        age_ms=max(ages, default=None),
        throttles=counts["Throttles"],
        errors=counts["Errors"],
        sweeps=counts["Invocations"].get(sweeper),
        invocations=counts["Invocations"],
    )


def _query(query_id: str, metric: str, function: FunctionFacts) -> dict[str, Any]:
    dimensions = [{"Name": "FunctionName", "Value": function.name}]
    return {
        "Id": query_id,
        "MetricStat": {
            "Metric": {"Namespace": _NAMESPACE, "MetricName": metric, "Dimensions": dimensions},
            "Period": 60,
            "Stat": "Maximum" if metric == "IteratorAge" else "Sum",
        },
    }


def read_schedules(scheduler: Any, function: FunctionFacts) -> Sequence[ScheduleFacts]:
    """The schedules that wake the function."""
    pages = scheduler.get_paginator("list_schedules").paginate()
    listed = [one for page in pages for one in page["Schedules"] if one["Target"]["Arn"] == function.arn]
    found = [scheduler.get_schedule(Name=one["Name"], GroupName=one["GroupName"]) for one in listed]
    # All of them, and those that the service gets one day: UpdateSchedule sets back what it is not told.
    # https://docs.aws.amazon.com/scheduler/latest/APIReference/API_UpdateSchedule.html
    taken = set(scheduler.meta.service_model.operation_model("UpdateSchedule").input_shape.members) - {"State"}
    return [
        ScheduleFacts(
            name=one["Name"],
            state=one["State"],
            settings=tuple((f"--{xform_name(key, '-')}", _written(one[key])) for key in one if key in taken),
        )
        for one in found
    ]


def _written(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    return value if isinstance(value, str) else json.dumps(value)
