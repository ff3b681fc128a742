"""Whether somebody would be told: the alarms, by what they look at and not by their names. Pure."""

from __future__ import annotations

from typing import NamedTuple

from workflow.runtime.doctor.facts import AlarmFacts, MetricFacts, StackFacts
from workflow.runtime.doctor.finding import Finding, Findings, Level, aws

OWN = "Workflow"
LAMBDA = "AWS/Lambda"
_MOST_NAMED = 3


class Watch(NamedTuple):
    """What an alarm must see, and how to make one: any of these metrics, of the table, of a role's function, or of its
    mapping."""

    what: str
    why: str
    metrics: tuple[tuple[str, str], ...]
    role: str = ""
    sees_silence: bool = False
    of_mapping: bool = False
    statistic: str = "Sum"
    comparison: str = "GreaterThanThreshold"
    threshold: int = 0
    missing_data: str = "notBreaching"


WATCHES = (
    Watch(
        "effects that wait for a person",
        "an order stands still, and nobody hears of it before its customer calls",
        ((OWN, "ParkedNow"), (OWN, "EffectsParked")),
        statistic="Maximum",
        missing_data="ignore",
    ),
    Watch(
        "a sweeper that does not come",
        "timers and retries stand still without a sound",
        ((LAMBDA, "Invocations"), (OWN, "ParkedNow")),
        role="sweep",
        sees_silence=True,
        comparison="LessThanThreshold",
        threshold=1,
        missing_data="breaching",
    ),
    Watch(
        "the age of the stream's records",
        "the stream falls behind until records are lost",
        ((LAMBDA, "IteratorAge"),),
        role="stream",
        statistic="Maximum",
        threshold=60_000,
    ),
    Watch(
        "writes past the framework",
        "a script or a person moves entities, and no hook runs for it",
        ((OWN, "Violations"),),
    ),
    Watch(
        "throttles of the stream's function",
        "the account's concurrency is used up, and hooks come late",
        ((LAMBDA, "Throttles"),),
        role="stream",
    ),
    Watch(
        "records that the stream gave up",
        "they lie in the bucket, and nobody knows that `workflow reconcile` is needed",
        ((LAMBDA, "OnFailureDestinationDeliveredEventCount"),),
        role="stream",
        of_mapping=True,
    ),
)


def missing(facts: StackFacts) -> Findings:
    """Whether there is an alarm on everything that must not go unnoticed."""
    for watch in WATCHES if facts.alarms is not None else ():
        alarms = [alarm for alarm in facts.alarms or () if _sees(facts, alarm, watch)]
        if alarms or (watch.of_mapping and not _mapping_id(facts)):
            continue
        yield Finding(
            Level.BLIND,
            f"no alarm on {watch.what}",
            f"{' or '.join(' '.join(metric) for metric in watch.metrics)}",
            watch.why,
            "deploy the template's alarms, or make one by hand",
            (_made(facts, watch),),
        )


def _sees(facts: StackFacts, alarm: AlarmFacts, watch: Watch) -> bool:
    if watch.sees_silence and alarm.missing_data != "breaching":
        return False
    return any(_is_of(facts, metric, watch) for metric in alarm.metrics)


def _is_of(facts: StackFacts, metric: MetricFacts, watch: Watch) -> bool:
    if (metric.namespace, metric.name) not in watch.metrics:
        return False
    dimensions = dict(metric.dimensions)
    if metric.namespace == OWN:
        # One of a single kind or hook does not see the others.
        return dimensions in ({}, {"table": facts.table_name})
    if watch.of_mapping:
        # Of any mapping: the next deployment leads the alarm to one that was made anew.
        return "EventSourceMappingUUID" in dimensions
    function = facts.find_function(watch.role)
    # Without a dimension a metric of Lambda counts all functions of the account: it hides the one that is silent.
    return function is not None and dimensions.get("FunctionName") == function.name


def _mapping_id(facts: StackFacts) -> str:
    """The mapping on the table's present stream: an alarm on one that was made anew since looks at nothing."""
    stream = facts.table.stream_arn if facts.table else ""
    return next((one.mapping_id for one in facts.mappings or () if one.stream_arn == stream), "")


def of_the_stack(facts: StackFacts) -> list[AlarmFacts]:
    """The alarms that look at this stack."""
    parts = {function.name for function in facts.functions} | {one.mapping_id for one in facts.mappings or ()}

    def is_own(metric: MetricFacts) -> bool:
        dimensions = dict(metric.dimensions)
        if metric.namespace == OWN:
            return dimensions.get("table", facts.table_name) == facts.table_name
        return dimensions.get("FunctionName", dimensions.get("EventSourceMappingUUID")) in parts

    return [alarm for alarm in facts.alarms or () if any(map(is_own, alarm.metrics))]


def _made(facts: StackFacts, watch: Watch) -> str:
    namespace, metric = watch.metrics[0]
    function = facts.find_function(watch.role)
    dimension = f"Name=table,Value={facts.table_name}"
    if watch.of_mapping:
        dimension = f"Name=EventSourceMappingUUID,Value={_mapping_id(facts)}"
    elif function and namespace == LAMBDA:
        dimension = f"Name=FunctionName,Value={function.name}"
    name = f"{facts.stack}-{watch.what.replace(' ', '-').replace(chr(39), '')}"
    return aws(
        facts,
        *("cloudwatch", "put-metric-alarm", "--alarm-name", name, "--namespace", namespace, "--metric-name", metric),
        *("--dimensions", dimension, "--statistic", watch.statistic, "--period", "300", "--evaluation-periods", "1"),
        *("--threshold", str(watch.threshold), "--comparison-operator", watch.comparison),
        *("--treat-missing-data", watch.missing_data),
    )


def ringing(facts: StackFacts) -> Findings:
    """Whether an alarm says at this moment that something is wrong."""
    for alarm in of_the_stack(facts):
        if alarm.state == "ALARM":
            yield Finding(
                Level.STANDING,
                "the alarm rings",
                f"alarm {alarm.name}",
                alarm.reason or "its threshold is crossed",
                alarm.description or "see the metric that it looks at",
            )


def silenced(facts: StackFacts) -> Findings:
    """Whether the alarms reach anybody."""
    own = of_the_stack(facts)
    silent = [alarm.name for alarm in own if not alarm.is_enabled]
    if silent:
        yield Finding(
            Level.BLIND,
            f"the actions of {_named(silent)} are switched off",
            f"{len(silent)} of {len(own)} alarms",
            "they ring, and nobody is told",
            "switch them on",
            (aws(facts, "cloudwatch", "enable-alarm-actions", "--alarm-names", *silent),),
        )
    dumb = [alarm.name for alarm in own if alarm.is_enabled and not alarm.actions]
    # On a laptop there is nobody to tell.
    if dumb and not facts.is_embedded:
        yield Finding(
            Level.BLIND,
            f"{_named(dumb)} have no action" if len(dumb) > 1 else f"{dumb[0]} has no action",
            f"{len(dumb)} of {len(own)} alarms",
            "they ring, and nobody is told",
            "name a topic in the template's parameter AlarmTopic, and deploy",
            ("# sam deploy --parameter-overrides AlarmTopic=TOPIC_ARN",),
        )


def _named(names: list[str]) -> str:
    more = len(names) - _MOST_NAMED
    return ", ".join(names[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
