"""The doctor knows the template's alarms: whichever of them is missing, it says so, and its command makes the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from demo.dashboard.definition import read_resources
from tests.aws_command import read_command
from tests.fakes.stacks import API_ID, HEALTHY, MAPPING_ID, function, stack
from workflow.aws.deployed.watching import read_alarms
from workflow.runtime.doctor.facts import StackFacts
from workflow.runtime.doctor.finding import Level
from workflow.runtime.doctor.judge import judge

TEMPLATE = Path(__file__).parents[4] / "template.yaml"
TOPIC = "arn:aws:sns:eu-west-1:123456789012:calls"
NAMES = {
    "Table": "shop-Table",
    "StreamFunctionTransitions": MAPPING_ID,
    "WebhookApi": API_ID,
    **{f"{role.title()}Function": function(role).name for role in ("stream", "sweep", "webhook", "api")},
}
IS_TOLD = ["HasAlarmTopic", ["AlarmTopic"], []]


def deployed(value: Any) -> Any:
    """What a property is in the stack shop, with its topic."""
    if value == IS_TOLD:
        return [TOPIC]
    if isinstance(value, dict):
        return {name: deployed(one) for name, one in value.items()}
    if isinstance(value, list):
        return [deployed(one) for one in value]
    if isinstance(value, str):
        return NAMES.get(value, value.replace("${AWS::StackName}", "shop").replace("${Table}", "shop-Table"))
    return value


ALARMS = [
    deployed(one["Properties"]) for one in read_resources(TEMPLATE).values() if one["Type"] == "AWS::CloudWatch::Alarm"
]


class Pages:
    """CloudWatch, with these alarms."""

    def __init__(self, alarms: list[dict[str, Any]]) -> None:
        self._alarms = alarms

    def get_paginator(self, _: str) -> Pages:
        return self

    def paginate(self, **_: Any) -> list[dict[str, Any]]:
        return [{"MetricAlarms": self._alarms}]


def stack_with(alarms: list[dict[str, Any]]) -> StackFacts:
    return stack(alarms=read_alarms(Pages(alarms)), functions=(*HEALTHY.functions, function("api")))


def test_a_stack_with_the_template_s_alarms_has_all() -> None:
    assert judge(stack_with(ALARMS)) == []


@pytest.mark.parametrize("alarm", ALARMS, ids=lambda alarm: alarm["AlarmName"])
def test_whichever_alarm_is_missing_is_named_and_made_again_as_it_was(alarm: dict[str, Any]) -> None:
    (finding,) = judge(stack_with([one for one in ALARMS if one is not alarm]))

    assert (finding.level, finding.what.partition(" on ")[0]) == (Level.BLIND, "no alarm")
    (command,) = finding.fix
    made = read_command(command).parameters
    assert "Type `workflow --table shop-Table doctor`." in made.pop("AlarmDescription")
    assert plain(made) == plain({name: value for name, value in alarm.items() if name != "AlarmDescription"})


def plain(alarm: dict[str, Any]) -> str:
    """The alarm's properties in one order, as the same numbers."""
    alarm = {name: float(one) if isinstance(one, int) else one for name, one in alarm.items()}
    return json.dumps(alarm, sort_keys=True, indent=1)
