"""Which metrics there are, by dimensions: those that the code writes into its log, and those of AWS that we look at."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache

from tests.fakes.clock import FakeClock
from workflow.aws import metrics

OF_AWS = {
    # https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
    ("AWS/Lambda", ("FunctionName",)): {
        "Invocations",
        "Errors",
        "Throttles",
        "Duration",
        "IteratorAge",
        "DestinationDeliveryFailures",
    },
    # Those of `EventCount`, which the mapping's MetricsConfig asks for.
    ("AWS/Lambda", ("EventSourceMappingUUID",)): {
        "PolledEventCount",
        "FilteredOutEventCount",
        "InvokedEventCount",
        "FailedInvokeEventCount",
        "DroppedEventCount",
        "OnFailureDestinationDeliveredEventCount",
    },
    # https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/metrics-dimensions.html
    ("AWS/DynamoDB", ("TableName",)): {
        "ConsumedReadCapacityUnits",
        "ConsumedWriteCapacityUnits",
        "ReadThrottleEvents",
        "WriteThrottleEvents",
    },
    # https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-metrics.html
    ("AWS/ApiGateway", ("ApiId",)): {"4xx", "5xx", "Count", "IntegrationLatency", "Latency", "DataProcessed"},
}

_CONSTANTS = {name: value for name, value in vars(metrics).items() if name.isupper() and isinstance(value, str)}
OUR_OWN = {value for name, value in _CONSTANTS.items() if name != "NAMESPACE"}
"""What the code counts, by the names that it has for it."""


def is_counted(namespace: str, metric: str, dimensions: Sequence[str]) -> bool:
    """Whether somebody writes the metric by exactly these dimensions."""
    if namespace != metrics.NAMESPACE:
        return metric in OF_AWS.get((namespace, tuple(dimensions)), set())
    return metric in OUR_OWN and set(dimensions) in _ways_of(metric, tuple(dimensions))


@cache
def _ways_of(metric: str, dimensions: tuple[str, ...]) -> list[set[str]]:
    meter = metrics.EmfMeter("a table", FakeClock())
    meter.count(metric, **{name: "one" for name in dimensions if name != "table"})
    (line,) = meter.take()
    (written,) = json.loads(line)["_aws"]["CloudWatchMetrics"]
    return [set(names) for names in written["Dimensions"]]
