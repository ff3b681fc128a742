"""What must not go unnoticed, each with the alarm that the template has on it. Pure.

A test holds it against the template: whichever alarm is missing, the doctor says so and makes the same.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

OWN = "Workflow"
LAMBDA = "AWS/Lambda"
_NAMESPACES = {"table": OWN, "function": LAMBDA, "mapping": LAMBDA, "gateway": "AWS/ApiGateway"}
_HOUR_MS = 3_600_000


class Watch(NamedTuple):
    """An alarm: how the template calls it behind the stack's name, what it sees, why that matters, and its settings.

    It is there for the function of `role`, and looks at a metric `of` the table, that function, the stream's mapping or
    the HTTP API. An alarm whose threshold is above `at_most` sees too little. `or_metric`: one of the function that
    does as well. `writes`: the metric is held against what is written to the table.
    """

    name: str
    what: str
    why: str
    role: str
    metric: str
    of: Literal["table", "function", "mapping", "gateway"] = "table"
    outcome: str = ""
    statistic: str = "Sum"
    period_seconds: int = 300
    periods: int = 1
    breaching_periods: int = 0
    comparison: str = "GreaterThanThreshold"
    threshold: int = 0
    at_most: int = 10
    missing_data: str = "notBreaching"
    tells_end: bool = False
    or_metric: str = ""
    writes: bool = False

    @property
    def namespace(self) -> str:
        """Where its metric is counted."""
        return _NAMESPACES[self.of]

    @property
    def sees_silence(self) -> bool:
        """Whether it is there for what does not come."""
        return self.writes or self.missing_data == "breaching"


def _errors(role: str, why: str) -> Watch:
    return Watch(f"{role}-errors", f"failures of the {role} function", why, role, "Errors", of="function")


def _throttles(role: str, what: str, why: str) -> Watch:
    return Watch(f"{role}-throttles", f"throttles of {what}", why, role, "Throttles", of="function")


def _answers(role: str, name: str, metric: str, what: str, why: str) -> tuple[Watch, Watch]:
    return (
        Watch(f"{name}-unavailable", f"{what} that are answered 503", why, role, metric, outcome="unavailable"),
        Watch(f"{name}-failed", f"{what} that are answered 500", why, role, metric, outcome="failed"),
    )


_USED_UP = "the account's concurrency is used up, and"

WATCHES = (
    Watch(
        "parked-now",
        "effects that wait for a person",
        "an order stands still, and nobody hears of it before its customer calls",
        "sweep",
        "ParkedNow",
        statistic="Maximum",
        missing_data="ignore",
        tells_end=True,
    ),
    Watch(
        "effects-parked",
        "one more effect that waits for a person",
        "while something waits already, nobody hears of what comes to wait beside it",
        "stream",
        "EffectsParked",
    ),
    Watch(
        "sweeper-silent",
        "a sweeper that does not come",
        "timers and retries stand still without a sound",
        "sweep",
        "ParkedNow",
        statistic="SampleCount",
        period_seconds=60,
        periods=5,
        comparison="LessThanThreshold",
        threshold=1,
        missing_data="breaching",
        tells_end=True,
        or_metric="Invocations",
    ),
    Watch(
        "stream-unread",
        "a stream that nobody reads",
        "no hook runs, no error tells of it, and after 24 hours records are lost",
        "stream",
        "PolledEventCount",
        of="mapping",
        periods=3,
        tells_end=True,
        writes=True,
    ),
    Watch(
        "iterator-age",
        "the age of the stream's records",
        "the stream falls behind until records are lost",
        "stream",
        "IteratorAge",
        of="function",
        statistic="Maximum",
        period_seconds=60,
        periods=5,
        breaching_periods=3,
        threshold=60_000,
        at_most=_HOUR_MS,
        tells_end=True,
    ),
    Watch(
        "violations",
        "writes past the framework",
        "a script or a person moves entities, and no hook runs for it",
        "stream",
        "Violations",
    ),
    Watch(
        "delivery-lag",
        "hooks that come late",
        "customers wait for what their order sets off, and nobody hears of it",
        "stream",
        "DeliveryLag",
        statistic="p99",
        periods=5,
        breaching_periods=3,
        threshold=60_000,
        at_most=_HOUR_MS,
        tells_end=True,
    ),
    _throttles("stream", "the stream's function", f"{_USED_UP} hooks come late"),
    Watch(
        "records-lost",
        "records that the stream gave up",
        "they lie in the bucket, and nobody knows that `workflow reconcile` is needed",
        "stream",
        "OnFailureDestinationDeliveredEventCount",
        of="mapping",
    ),
    Watch(
        "records-lost-unkept",
        "records that were given up and kept nowhere",
        "history alone has what they told of, and nobody knows that `workflow reconcile` is needed",
        "stream",
        "DestinationDeliveryFailures",
        of="function",
    ),
    Watch(
        "records-again",
        "records that come again",
        "what became of effects is not noted, until records are given up",
        "stream",
        "FailedInvokeEventCount",
        of="mapping",
    ),
    _errors("stream", "its process dies over a batch, until records are given up"),
    _errors("sweep", "timers and retries do not get on"),
    _errors("webhook", "deliveries are lost if their sender does not repeat them"),
    _errors("api", "callers get a 500, and nobody hears of it"),
    _throttles("sweep", "the sweep function", f"{_USED_UP} timers and retries come late"),
    _throttles("webhook", "the webhook function", f"{_USED_UP} deliveries get no answer"),
    _throttles("api", "the api function", f"{_USED_UP} callers get a 503"),
    *_answers(
        "webhook", "webhooks", "WebhookAnswers", "webhooks", "deliveries are lost if their sender does not repeat them"
    ),
    *_answers("api", "api", "ApiAnswers", "requests for entities", "an answer is no error: nothing else tells of it"),
    Watch(
        "gateway-errors",
        "what the HTTP API answers 5xx",
        "requests that do not get as far as a function are counted nowhere else",
        "",
        "5xx",
        of="gateway",
    ),
)
