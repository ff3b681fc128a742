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

_COMMAND = re.compile(r"`workflow (\w+)")


def of(name: str) -> dict[str, Any]:
    found: dict[str, Any] = ALARMS[name]["Properties"]
    return found


def slug(name: str) -> str:
    return str(of(name)["AlarmName"]).removeprefix("${AWS::StackName}-")


@pytest.mark.parametrize("name", ALARMS)
def test_it_looks_at_what_somebody_counts(name: str) -> None:
    alarm = of(name)
    dimensions = [one["Name"] for one in alarm["Dimensions"]]
    assert is_counted(alarm["Namespace"], alarm["MetricName"], dimensions)
    # One of these, never both: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
    assert len({"Statistic", "ExtendedStatistic"} & alarm.keys()) == 1


@pytest.mark.parametrize("name", ALARMS)
def test_it_says_what_to_type_next(name: str) -> None:
    alarm = of(name)
    commands = _COMMAND.findall(alarm["AlarmDescription"])
    assert commands
    assert set(commands) <= workflow.commands.keys()
    # https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
    assert len(alarm["AlarmDescription"]) <= 1024
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
    watched = [of(name)["Dimensions"][0]["Value"] for name in ALARMS if of(name)["MetricName"] == metric]
    assert sorted(watched) == sorted(FUNCTIONS)
