"""Whether somebody would be told: the alarms, by what they look at and not by their names. Pure."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from datetime import timedelta

from workflow.runtime.doctor.alarm_watches import LAMBDA, OWN, WATCHES, Watch
from workflow.runtime.doctor.facts import AlarmFacts, MetricFacts, StackFacts
from workflow.runtime.doctor.finding import Finding, Findings, Level, aws

UNREAD = "IF(FILL(writes, 0) > 0 AND FILL(polled, 0) == 0, 1, 0)"
_MAPPING = "EventSourceMappingUUID"
_RISING = ("GreaterThanThreshold", "GreaterThanOrEqualToThreshold")
# What a stage or an alias has besides, where there is but one of it.
_MORE = {"Stage", "Resource"}
_NEW = timedelta(minutes=10)
_MOST_NAMED = 3


def missing(facts: StackFacts) -> Findings:
    """Whether there is an alarm on everything that must not go unnoticed, and it would ring."""
    for watch in WATCHES if facts.alarms is not None else ():
        dimensions = _dimensions(facts, watch)
        if not dimensions or any(_sees(facts, alarm, watch, dimensions) for alarm in facts.alarms or ()):
            continue
        either = f" or {LAMBDA} {watch.or_metric}" if watch.or_metric else ""
        yield Finding(
            Level.BLIND,
            f"no alarm on {watch.what}",
            _blind(facts, watch, dimensions) or f"{watch.namespace} {watch.metric}{either}",
            watch.why,
            "make it by the command of `--fix`; to deploy again does not bring back what was deleted by hand",
            (_made(facts, watch, dimensions),),
        )


def _dimensions(facts: StackFacts, watch: Watch) -> Mapping[str, str]:
    """By what its metric is counted in this stack; nothing where the stack has no such part."""
    function = facts.find_function(watch.role)
    if watch.role and not function:
        return {}
    if watch.of == "table":
        return {"table": facts.table_name, **({"outcome": watch.outcome} if watch.outcome else {})}
    names = {"mapping": _MAPPING, "gateway": "ApiId", "function": "FunctionName"}
    values = {"mapping": _mapping_id(facts), "gateway": facts.api_id, "function": function.name if function else ""}
    return {names[watch.of]: values[watch.of]} if values[watch.of] else {}


def _sees(facts: StackFacts, alarm: AlarmFacts, watch: Watch, dimensions: Mapping[str, str]) -> bool:
    own = any(_is_of(metric, watch, dimensions) for metric in alarm.metrics)
    if not own and not (watch.or_metric and _sees_function(facts, alarm, watch)):
        return False
    # Nobody can say from which value on somebody else's formula is a bad sign.
    return alarm.is_expression or _rings(alarm, watch)


def _rings(alarm: AlarmFacts, watch: Watch) -> bool:
    if watch.sees_silence:
        return alarm.missing_data == "breaching"
    return alarm.comparison in _RISING and alarm.threshold <= watch.at_most


def _is_of(metric: MetricFacts, watch: Watch, wanted: Mapping[str, str]) -> bool:
    if (metric.namespace, metric.name) != (watch.namespace, watch.metric):
        return False
    dimensions = dict(metric.dimensions)
    # Over all tables this one alone is counted. A metric of Lambda by nothing is of all the functions of the account.
    if not dimensions:
        return metric.name == "EffectsParked"
    # One of a single kind or hook does not see the others.
    return wanted.items() <= dimensions.items() and dimensions.keys() - wanted.keys() <= _MORE


def _sees_function(facts: StackFacts, alarm: AlarmFacts, watch: Watch) -> bool:
    function = facts.find_function(watch.role)
    seen = MetricFacts(LAMBDA, watch.or_metric, frozenset({("FunctionName", function.name if function else "")}))
    return seen in alarm.metrics


def _mapping_id(facts: StackFacts) -> str:
    """The mapping on the table's present stream: an alarm on one that was made anew since looks at nothing."""
    stream = facts.table.stream_arn if facts.table else ""
    reading = [one for one in facts.mappings or () if one.stream_arn == stream]
    reading.sort(key=lambda one: (one.state != "Enabled", not one.is_own))
    return next((one.mapping_id for one in reading), "")


def _blind(facts: StackFacts, watch: Watch, dimensions: Mapping[str, str]) -> str:
    """Which alarm of the stack is meant to see it, and does not; '' if none is."""
    for alarm in facts.alarms or ():
        is_late = alarm.comparison in _RISING and not watch.sees_silence
        if is_late and any(_is_of(metric, watch, dimensions) for metric in alarm.metrics):
            return f"alarm {alarm.name} rings too late: {alarm.comparison} {alarm.threshold:,.0f}"
        named = (dict(metric.dimensions).get(_MAPPING) for metric in alarm.metrics)
        other, own = next((mapping_id for mapping_id in named if mapping_id), ""), dimensions.get(_MAPPING, "")
        if alarm.name == f"{facts.stack}-{watch.name}" and other and own and other != own:
            return f"alarm {alarm.name} looks at mapping {other}; the stream's is {own}"
    return ""


def of_the_stack(facts: StackFacts) -> list[AlarmFacts]:
    """The alarms that look at this stack."""
    parts = {function.name for function in facts.functions} | {one.mapping_id for one in facts.mappings or ()}
    parts |= {facts.table_name, facts.api_id} - {""}

    def is_own(metric: MetricFacts) -> bool:
        # Those on what DynamoDB counts are not: the scaling of provisioned capacity has some, which ring by design.
        dimensions = dict(metric.dimensions)
        named = (dimensions.get(name) for name in ("table", "FunctionName", _MAPPING, "ApiId"))
        return any(one in parts for one in named) or (metric.namespace == OWN and not dimensions)

    return [alarm for alarm in facts.alarms or () if any(map(is_own, alarm.metrics))]


def _made(facts: StackFacts, watch: Watch, dimensions: Mapping[str, str]) -> str:
    """The command that makes the template's alarm, under its name: then it is the stack's own again."""
    why = f"{watch.why[0].upper()}{watch.why[1:]}. Type `workflow --table {facts.table_name} doctor`."
    actions = _actions(facts)
    return aws(
        facts,
        *("cloudwatch", "put-metric-alarm", "--alarm-name", f"{facts.stack}-{watch.name}", "--alarm-description", why),
        *_measured(facts, watch, dimensions),
        *("--evaluation-periods", str(watch.periods)),
        *(("--datapoints-to-alarm", str(watch.breaching_periods)) if watch.breaching_periods else ()),
        *("--threshold", str(watch.threshold), "--comparison-operator", watch.comparison),
        *("--treat-missing-data", watch.missing_data),
        *(("--alarm-actions", *actions) if actions else ()),
        *(("--ok-actions", *actions) if actions and watch.tells_end else ()),
    )


def _measured(facts: StackFacts, watch: Watch, dimensions: Mapping[str, str]) -> tuple[str, ...]:
    if watch.writes:
        written = _part("writes", "AWS/DynamoDB", "ConsumedWriteCapacityUnits", {"TableName": facts.table_name}, watch)
        read = _part("polled", watch.namespace, watch.metric, dimensions, watch)
        return ("--metrics", json.dumps([{"Id": "unread", "Expression": UNREAD}, written, read]))
    percentile = watch.statistic.startswith("p")
    return (
        *("--namespace", watch.namespace, "--metric-name", watch.metric),
        *("--dimensions", *(f"Name={name},Value={value}" for name, value in dimensions.items())),
        *("--extended-statistic" if percentile else "--statistic", watch.statistic),
        *("--period", str(watch.period_seconds)),
    )


def _part(part_id: str, namespace: str, metric: str, dimensions: Mapping[str, str], watch: Watch) -> dict[str, object]:
    named = [{"Name": name, "Value": value} for name, value in dimensions.items()]
    return {
        "Id": part_id,
        "ReturnData": False,
        "MetricStat": {
            "Metric": {"Namespace": namespace, "MetricName": metric, "Dimensions": named},
            "Stat": watch.statistic,
            "Period": watch.period_seconds,
        },
    }


def _actions(facts: StackFacts) -> tuple[str, ...]:
    """What most of the stack's other alarms do."""
    told = Counter(alarm.actions for alarm in of_the_stack(facts) if alarm.actions)
    return told.most_common(1)[0][0] if told else ()


def ringing(facts: StackFacts) -> Findings:
    """Whether an alarm says at this moment that something is wrong."""
    for alarm in of_the_stack(facts):
        if alarm.state == "ALARM" and not _is_new(facts, alarm):
            yield Finding(
                Level.STANDING,
                "the alarm rings",
                f"alarm {alarm.name}",
                alarm.reason or "its threshold is crossed",
                alarm.description or "see the metric that it looks at",
            )


def _is_new(facts: StackFacts, alarm: AlarmFacts) -> bool:
    """Whether it rings because it was made before what it listens for: silence is all that it has heard."""
    made = alarm.changed_at
    return alarm.missing_data == "breaching" and made is not None and facts.now - made < _NEW


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
