"""The alarms in template.yaml: each looks at what is counted, says what to type next, and has its row in the page."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from demo.dashboard.definition import read_resources
from tests.metrics import is_counted
from workflow.cli.commands import workflow

ROOT = Path(__file__).parents[2]
TEMPLATE = ROOT / "template.yaml"
PAGE = (ROOT / "docs" / "deploying.md").read_text(encoding="utf-8")
ALARMS = {name: one for name, one in read_resources(TEMPLATE).items() if one["Type"] == "AWS::CloudWatch::Alarm"}
FUNCTIONS = ("StreamFunction", "SweepFunction", "WebhookFunction", "ApiFunction")

_COMMAND = re.compile(r"`workflow (?:--table \$\{Table\} )?(\w+)")
# The longest that CloudFormation makes of a stack's name: https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateStack.html
_LONGEST_NAME = "s" * 128 + "-Table-1A2B3C4D5E6F7"


def of(name: str) -> dict[str, Any]:
    found: dict[str, Any] = ALARMS[name]["Properties"]
    return found


def slug(name: str) -> str:
    return str(of(name)["AlarmName"]).removeprefix("${AWS::StackName}-")


def metrics_of(name: str) -> list[dict[str, Any]]:
    """What the alarm looks at: a metric, or those of its expression."""
    alarm = of(name)
    return [one["MetricStat"]["Metric"] for one in alarm.get("Metrics", []) if "MetricStat" in one] or [alarm]


@pytest.mark.parametrize("name", ALARMS)
def test_it_looks_at_what_somebody_counts(name: str) -> None:
    for metric in metrics_of(name):
        assert is_counted(metric["Namespace"], metric["MetricName"], [one["Name"] for one in metric["Dimensions"]])
    # One of these alone: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
    assert len({"Statistic", "ExtendedStatistic", "Metrics"} & of(name).keys()) == 1


@pytest.mark.parametrize("name", ALARMS)
def test_it_says_what_to_type_next(name: str) -> None:
    alarm = of(name)
    commands = _COMMAND.findall(alarm["AlarmDescription"])
    assert commands
    assert set(commands) <= workflow.commands.keys()
    # Whoever is woken is in no project's folder.
    assert alarm["AlarmDescription"].count("`workflow --table ${Table} ") == alarm["AlarmDescription"].count(
        "`workflow "
    )
    # https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
    assert len(alarm["AlarmDescription"].replace("${Table}", _LONGEST_NAME)) <= 1024
    (row,) = [line for line in PAGE.splitlines() if line.startswith(f"| `{slug(name)}`")]
    assert set(_COMMAND.findall(row)) == set(commands)


@pytest.mark.parametrize("name", ALARMS)
def test_somebody_is_told_if_a_topic_is_given(name: str) -> None:
    told = ["HasAlarmTopic", ["AlarmTopic"], []]
    assert of(name)["AlarmActions"] == told
    assert of(name).get("OKActions", told) == told


def test_only_silence_that_means_something_is_an_alarm() -> None:
    treated = {slug(name): of(name)["TreatMissingData"] for name in ALARMS}
    assert {name: how for name, how in treated.items() if how != "notBreaching"} == {
        "parked-now": "ignore",
        "sweeper-silent": "breaching",
    }


@pytest.mark.parametrize("metric", ["Errors", "Throttles"])
def test_no_function_fails_or_is_throttled_unseen(metric: str) -> None:
    watched = [of(name)["Dimensions"][0]["Value"] for name in ALARMS if of(name).get("MetricName") == metric]
    assert sorted(watched) == sorted(FUNCTIONS)


@pytest.mark.parametrize("metric", ["WebhookAnswers", "ApiAnswers"])
def test_no_answer_that_blames_this_side_goes_unseen(metric: str) -> None:
    watched = [of(name)["Dimensions"] for name in ALARMS if of(name).get("MetricName") == metric]
    assert [[one["Value"] for one in dimensions] for dimensions in watched] == [
        ["Table", "unavailable"],
        ["Table", "failed"],
    ]


def test_a_stream_that_nobody_reads_rings_by_what_was_written() -> None:
    """Every other metric of the stream is counted when its function is invoked, or not at all."""
    writes, polled = metrics_of("StreamUnreadAlarm")
    assert (writes["MetricName"], writes["Dimensions"]) == (
        "ConsumedWriteCapacityUnits",
        [{"Name": "TableName", "Value": "Table"}],
    )
    assert (polled["MetricName"], polled["Dimensions"]) == (
        "PolledEventCount",
        [{"Name": "EventSourceMappingUUID", "Value": "StreamFunctionTransitions"}],
    )
    (expression,) = [one["Expression"] for one in of("StreamUnreadAlarm")["Metrics"] if "Expression" in one]
    assert expression == "IF(FILL(writes, 0) > 0 AND FILL(polled, 0) == 0, 1, 0)"


def test_the_alarm_on_silence_is_made_after_what_breaks_the_silence() -> None:
    assert ALARMS["SweeperSilentAlarm"]["DependsOn"] == ["SweepFunctionEveryMinute", "StreamFunctionTransitions"]
