"""Facts are gathered with whatever permissions there are, and from whatever a package holds."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError, NoCredentialsError

from tests.fakes.stacks import order
from workflow.aws.deployed.find_stack import FindStackError
from workflow.aws.deployed.functions import read_package
from workflow.aws.deployed.stack_facts import gather
from workflow.aws.deployed.watching import read_alarms, read_recent
from workflow.definition.plain import to_plain
from workflow.errors import SettingsError, StoreAccessError
from workflow.runtime.doctor.facts import AlarmFacts, CodeFacts, MetricFacts
from workflow.runtime.doctor.judge import exit_code, judge

NOW = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)


class Refusing:
    """A client of a service that refuses everything in the same way."""

    def __init__(self, error: Exception) -> None:
        self._error = error
        self.meta = type("Meta", (), {"region_name": "eu-west-1"})

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def refuse(*_: Any, **__: Any) -> Any:
            raise self._error

        return refuse


class Pages:
    """A client with one operation that answers in pages."""

    def __init__(self, *pages: dict[str, Any]) -> None:
        self._pages = pages

    def get_paginator(self, _: str) -> Pages:
        return self

    def paginate(self, **_: Any) -> tuple[dict[str, Any], ...]:
        return self._pages


def look(error: Exception, *, stack: str = "", table: str = "shop-Table") -> Any:
    return gather(stack=stack, table=table, endpoint_url="", now=NOW, clients=lambda service: Refusing(error))


def denied() -> ClientError:
    return ClientError({"Error": {"Code": "AccessDeniedException", "Message": "not you"}}, "Any")


def package(**files: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, text in files.items():
            archive.writestr(name.replace("__", "/"), text)
    return content.getvalue()


@pytest.mark.parametrize("stack", ["", "shop"])
def test_who_may_see_nothing_is_told_of_each_thing_and_what_it_needs(stack: str) -> None:
    facts = look(denied(), stack=stack)

    needs = [one.needs for one in facts.unseen]
    assert needs[0] == "cloudformation:DescribeStacks, cloudformation:DescribeStackResources"
    assert {"dynamodb:DescribeTable", "cloudwatch:DescribeAlarms"} <= set(needs)
    assert exit_code(judge(facts)) == 2


def test_without_a_table_and_without_permissions_there_is_nothing_to_look_at() -> None:
    with pytest.raises(FindStackError, match="stack shop tells of no table"):
        look(denied(), stack="shop", table="")


def test_without_credentials_nothing_at_all_can_be_looked_at() -> None:
    with pytest.raises(StoreAccessError, match="configure AWS credentials"):
        look(NoCredentialsError())


def test_a_package_tells_its_definitions_its_byte_code_and_the_machines_of_its_libraries() -> None:
    definitions = order()
    content = package(
        **{
            "definitions.json": json.dumps(to_plain(definitions)),
            "workflow/__pycache__/errors.cpython-311.pyc": "",
            "botocore/__pycache__/session.cpython-39.pyc": "",
            "orjson/orjson.cpython-311-x86_64-linux-gnu.so": "",
        }
    )

    found = read_package(content)
    assert list(found.definitions) == list(definitions)
    assert found == CodeFacts(found.definitions, frozenset({"cpython-311"}), frozenset({"x86_64"}))


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b"an image", OSError),
        (package(**{"other.json": "{}"}), KeyError),
        (package(**{"definitions.json": '{"format": 99}'}), SettingsError),
        (package(**{"definitions.json": "{"}), ValueError),
    ],
)
def test_a_package_that_makes_no_sense_is_an_error_that_the_doctor_notes(
    content: bytes, error: type[Exception]
) -> None:
    with pytest.raises(error):
        read_package(content)


def test_an_alarm_on_an_expression_looks_at_all_of_its_metrics() -> None:
    stats = [
        {"Namespace": "AWS/Lambda", "MetricName": "Throttles", "Dimensions": [{"Name": "FunctionName", "Value": name}]}
        for name in ("one", "two")
    ]
    metrics = [{"Id": "sum", "Expression": "m0+m1"}, *({"MetricStat": {"Metric": stat}} for stat in stats)]

    (alarm,) = read_alarms(Pages({"MetricAlarms": [{"AlarmName": "both", "Metrics": metrics}]}))
    assert alarm.is_expression
    assert alarm.metrics == {
        MetricFacts("AWS/Lambda", "Throttles", frozenset({("FunctionName", name)})) for name in ("one", "two")
    }


def test_an_alarm_is_read_with_when_it_rings_and_since_when() -> None:
    asked = {"Namespace": "Workflow", "MetricName": "Violations", "TreatMissingData": "ignore"}
    rings = {"ComparisonOperator": "GreaterThanOrEqualToThreshold", "Threshold": 2.0}
    found = {"AlarmName": "shop-violations", **asked, **rings, "AlarmConfigurationUpdatedTimestamp": NOW}

    assert read_alarms(Pages({"MetricAlarms": [found]})) == [
        AlarmFacts(
            "shop-violations",
            frozenset({MetricFacts("Workflow", "Violations")}),
            state="",
            missing_data="ignore",
            comparison="GreaterThanOrEqualToThreshold",
            threshold=2.0,
            changed_at=NOW,
        )
    ]


def test_what_cloudwatch_does_not_tell_is_no_age_of_zero() -> None:
    class Silent:
        def get_metric_data(self, **_: Any) -> dict[str, Any]:
            return {"MetricDataResults": []}

    assert read_recent(Silent(), (), NOW).age_ms is None
