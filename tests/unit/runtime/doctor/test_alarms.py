"""What the doctor says of the alarms: whether one is missing, would not ring, rings, or tells nobody."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.aws_command import AwsCommand, read_command
from tests.fakes.stacks import ALARMS, MAPPING, MAPPING_ID, NOW, alarm, stack
from workflow.runtime.doctor.facts import AlarmFacts, MetricFacts, StackFacts
from workflow.runtime.doctor.finding import Finding, Level
from workflow.runtime.doctor.judge import judge

OF = {one.name.removeprefix("shop-"): one for one in ALARMS}
TOPIC = "arn:aws:sns:eu-west-1:123456789012:calls"


def told(facts: StackFacts) -> list[tuple[Level, str, str]]:
    return [(finding.level, finding.what, finding.where) for finding in judge(facts)]


def mended_by(facts: StackFacts) -> list[AwsCommand]:
    return [read_command(line) for finding in judge(facts) for line in finding.fix]


def instead(name: str, *others: AlarmFacts) -> StackFacts:
    """The healthy stack, with these in place of one alarm."""
    return stack(alarms=(*(one for one in ALARMS if one is not OF[name]), *others))


def changed(name: str, **changes: object) -> StackFacts:
    return instead(name, replace(OF[name], **changes))  # type: ignore[arg-type]


def test_an_alarm_is_known_by_what_it_looks_at_and_not_by_its_name() -> None:
    assert judge(stack(alarms=[replace(one, name=f"team-a-{number}") for number, one in enumerate(ALARMS)])) == []


@pytest.mark.parametrize(
    ("name", "metric", "what"),
    [
        ("violations", "Workflow Violations table=other-Table", "writes past the framework"),
        (
            "stream-throttles",
            "AWS/Lambda Throttles FunctionName=other-Stream",
            "throttles of the stream's function",
        ),
        (
            "effects-parked",
            "Workflow EffectsParked table=shop-Table,kind=order",
            "one more effect that waits for a person",
        ),
        ("parked-now", "Workflow ParkedNow", "effects that wait for a person"),
        ("stream-errors", "AWS/Lambda Errors", "failures of the stream function"),
        ("gateway-errors", "AWS/ApiGateway 5xx ApiId=another", "what the HTTP API answers 5xx"),
        ("webhooks-failed", "Workflow WebhookAnswers table=shop-Table", "webhooks that are answered 500"),
    ],
)
def test_an_alarm_on_another_part_does_not_count(name: str, metric: str, what: str) -> None:
    """Another stack's table or function, one kind alone, or what nobody counts by itself."""
    namespace, counted, *by = metric.split(" ")
    pairs = frozenset((one.partition("=")[0], one.partition("=")[2]) for one in by[0].split(",")) if by else frozenset()
    other = replace(OF[name], name="elsewhere", metrics=frozenset({MetricFacts(namespace, counted, pairs)}))

    assert told(instead(name, other)) == [(Level.BLIND, f"no alarm on {what}", f"{namespace} {counted}")]


def test_over_all_tables_effects_that_are_parked_are_counted() -> None:
    of_all = MetricFacts("Workflow", "EffectsParked")

    assert judge(changed("effects-parked", metrics=frozenset({of_all}))) == []


def test_an_alarm_on_a_mapping_that_was_made_anew_looks_at_nothing() -> None:
    metric = MetricFacts(
        *("AWS/Lambda", "OnFailureDestinationDeliveredEventCount"),
        frozenset({("EventSourceMappingUUID", "one-that-was")}),
    )
    facts = changed("records-lost", metrics=frozenset({metric}))

    assert told(facts) == [
        (
            Level.BLIND,
            "no alarm on records that the stream gave up",
            f"alarm shop-records-lost looks at mapping one-that-was; the stream's is {MAPPING_ID}",
        )
    ]
    (mended,) = mended_by(facts)
    assert (mended.parameters["AlarmName"], mended.parameters["Dimensions"]) == (
        "shop-records-lost",
        [{"Name": "EventSourceMappingUUID", "Value": MAPPING_ID}],
    )
    # Of another stack's alarm nothing is said.
    assert told(instead("records-lost", replace(OF["records-lost"], name="other", metrics=frozenset({metric})))) == [
        (Level.BLIND, "no alarm on records that the stream gave up", f"{metric.namespace} {metric.name}")
    ]


def test_without_a_mapping_on_the_present_stream_its_alarms_are_not_asked_for() -> None:
    """The doctor says that there is no mapping; an alarm on none cannot be made."""
    alarms = [one for name, one in OF.items() if name not in ("records-lost", "records-again", "stream-unread")]

    assert not any("alarm" in what for _, what, _ in told(stack(alarms=alarms, mappings=())))
    assert len(judge(stack(alarms=alarms, mappings=(MAPPING,)))) == 3


@pytest.mark.parametrize(
    ("name", "changes", "where"),
    [
        (
            "iterator-age",
            {"threshold": 1e12},
            "alarm shop-iterator-age rings too late: GreaterThanThreshold 1,000,000,000,000",
        ),
        ("violations", {"threshold": 11}, "alarm shop-violations rings too late: GreaterThanThreshold 11"),
        ("violations", {"comparison": "LessThanThreshold"}, "Workflow Violations"),
    ],
)
def test_an_alarm_that_would_not_ring_does_not_count(name: str, changes: dict[str, object], where: str) -> None:
    assert [(level, said) for level, _, said in told(changed(name, **changes))] == [(Level.BLIND, where)]


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("iterator-age", {"threshold": 3_600_000}),
        ("violations", {"threshold": 1, "comparison": "GreaterThanOrEqualToThreshold"}),
        ("stream-errors", {"threshold": 5_000, "is_expression": True}),
        ("stream-unread", {"is_expression": False, "missing_data": "breaching"}),
    ],
)
def test_an_alarm_that_rings_at_another_value_counts(name: str, changes: dict[str, object]) -> None:
    """Of a formula nobody can say which value is a bad one."""
    assert judge(changed(name, **changes)) == []


def test_an_alarm_that_takes_silence_for_health_does_not_watch_the_sweeper() -> None:
    blind = (
        Level.BLIND,
        "no alarm on a sweeper that does not come",
        "Workflow ParkedNow or AWS/Lambda Invocations",
    )

    assert told(changed("sweeper-silent", missing_data="notBreaching")) == [blind]
    invocations = alarm("Invocations", "sweep", missing_data="breaching", comparison="LessThanThreshold", threshold=1)
    assert judge(instead("sweeper-silent", invocations)) == []
    assert told(instead("sweeper-silent", replace(invocations, missing_data="missing"))) == [blind]


def test_an_alarm_on_what_is_read_that_takes_silence_for_health_does_not_watch_the_stream() -> None:
    facts = changed("stream-unread", is_expression=False)

    assert told(facts) == [(Level.BLIND, "no alarm on a stream that nobody reads", "AWS/Lambda PolledEventCount")]


def test_a_new_alarm_does_what_most_of_the_others_do_and_brings_nobody_the_end_of_what_does_not_last() -> None:
    other = replace(OF["iterator-age"], actions=("arn:aws:sns:eu-west-1:123456789012:one-team",))
    parts = {name: one for name, one in OF.items() if name not in ("violations", "parked-now")}
    commands = mended_by(stack(alarms=({**parts, "iterator-age": other}).values()))

    assert [
        (one.parameters["AlarmName"], one.parameters.get("AlarmActions"), one.parameters.get("OKActions"))
        for one in commands
    ] == [("shop-parked-now", [TOPIC], [TOPIC]), ("shop-violations", [TOPIC], None)]


def test_where_no_alarm_does_anything_a_new_one_does_nothing_either() -> None:
    commands = mended_by(stack(is_embedded=True, alarms=[replace(one, actions=()) for one in ALARMS[1:]]))

    assert [
        (one.parameters["AlarmName"], one.parameters.keys() & {"AlarmActions", "OKActions"}) for one in commands
    ] == [("shop-parked-now", set())]


def test_the_way_out_of_a_missing_alarm_is_no_deployment() -> None:
    (finding,) = judge(instead("violations"))

    assert finding.way_out == (
        "make it by the command of `--fix`; to deploy again does not bring back what was deleted by hand"
    )


def test_an_alarm_that_rings_says_what_to_type_next() -> None:
    assert judge(changed("parked-now", state="ALARM", reason="2 > 0", description="workflow parked")) == [
        Finding(Level.STANDING, "the alarm rings", "alarm shop-parked-now", "2 > 0", "workflow parked")
    ]


@pytest.mark.parametrize(
    ("name", "minutes", "rings"), [("sweeper-silent", 9, 0), ("sweeper-silent", 10, 1), ("parked-now", 1, 1)]
)
def test_an_alarm_on_silence_that_is_minutes_old_has_heard_nothing_yet(name: str, minutes: int, rings: int) -> None:
    facts = changed(name, state="ALARM", changed_at=NOW - timedelta(minutes=minutes))

    assert [finding.what for finding in judge(facts)] == ["the alarm rings"] * rings


def test_of_an_account_s_alarms_those_on_this_stack_s_parts_are_heard() -> None:
    seen = {
        "mapping": MetricFacts("AWS/Lambda", "Given up", frozenset({("EventSourceMappingUUID", MAPPING_ID)})),
        "api": MetricFacts("AWS/ApiGateway", "4xx", frozenset({("ApiId", "a1b2c3d4e5")})),
        "elsewhere": MetricFacts("AWS/Lambda", "Errors", frozenset({("FunctionName", "other-Stream")})),
        "scaling": MetricFacts("AWS/DynamoDB", "ConsumedReadCapacityUnits", frozenset({("TableName", "shop-Table")})),
    }
    alarms = [alarm("x", metrics=frozenset({one}), state="ALARM", name=name) for name, one in seen.items()]

    assert told(stack(alarms=(*alarms, *ALARMS))) == [
        (Level.STANDING, "the alarm rings", "alarm mapping"),
        (Level.STANDING, "the alarm rings", "alarm api"),
    ]


def test_alarms_that_tell_nobody_leave_one_blind() -> None:
    silent = [replace(ALARMS[0], is_enabled=False), replace(ALARMS[1], actions=()), *ALARMS[2:]]

    assert told(stack(alarms=silent)) == [
        (Level.BLIND, "the actions of shop-parked-now are switched off", "1 of 21 alarms"),
        (Level.BLIND, "shop-effects-parked has no action", "1 of 21 alarms"),
    ]
    assert mended_by(stack(alarms=silent[:1] + list(ALARMS[1:]))) == [
        AwsCommand("cloudwatch", "enable_alarm_actions", {"AlarmNames": ["shop-parked-now"]})
    ]


def test_on_a_laptop_alarms_need_nobody_to_tell() -> None:
    assert judge(stack(is_embedded=True, alarms=[replace(one, actions=()) for one in ALARMS])) == []
