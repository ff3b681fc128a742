"""Metrics in CloudWatch's embedded format, each a line in the log and no call."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime

NAMESPACE = "Workflow"
EFFECTS_PARKED = "EffectsParked"
WEBHOOK_ANSWERS = "WebhookAnswers"


def parked_metrics(for_people: Mapping[tuple[str, str], int], now: datetime) -> Iterator[str]:
    """A log line for each kind and hook whose effects now wait for a person: metric `EffectsParked`, a count, by
    itself and by kind and hook; an alarm on its sum needs nothing more.
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html"""
    for (kind, hook), count in sorted(for_people.items()):
        metric = {
            "Namespace": NAMESPACE,
            "Dimensions": [[], ["kind", "hook"]],
            "Metrics": [{"Name": EFFECTS_PARKED, "Unit": "Count"}],
        }
        told = {"Timestamp": int(now.timestamp() * 1000), "CloudWatchMetrics": [metric]}
        # A history that cannot be read is parked at no hook, and a dimension must say something.
        yield json.dumps({"_aws": told, "kind": kind, "hook": hook or "none", EFFECTS_PARKED: count})


def webhook_metric(source: str, outcome: str, now: datetime) -> str:
    """The log line of one answered webhook: metric `WebhookAnswers`, a count, by source and outcome. Who calls must not
    be able to make dimensions, for each costs: `source` is '' unless it is declared."""
    metric = {
        "Namespace": NAMESPACE,
        "Dimensions": [["source", "outcome"]],
        "Metrics": [{"Name": WEBHOOK_ANSWERS, "Unit": "Count"}],
    }
    told = {"Timestamp": int(now.timestamp() * 1000), "CloudWatchMetrics": [metric]}
    return json.dumps({"_aws": told, "source": source or "none", "outcome": outcome, WEBHOOK_ANSWERS: 1})
