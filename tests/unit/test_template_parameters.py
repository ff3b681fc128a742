"""What template.yaml asks of whoever deploys it, and refuses before anything is made."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from demo.dashboard.definition import read_template

FILE = Path(__file__).parents[2] / "template.yaml"
TEMPLATE = read_template(FILE)
RESOURCES = TEMPLATE["Resources"]
FUNCTION = TEMPLATE["Globals"]["Function"]
PAGE = (FILE.parent / "docs" / "deploying.md").read_text(encoding="utf-8")
LAYER = "arn:aws:lambda:eu-central-1:901920570463:layer:aws-otel-python-arm64-ver-1-32-0:2"


def takes(parameter: str, value: str) -> bool:
    """Whether CloudFormation would take the value."""
    return bool(re.search(TEMPLATE["Parameters"][parameter]["AllowedPattern"], value))


@pytest.mark.parametrize(
    ("sender", "is_taken"),
    [
        ("", True),
        ("shop@example.com", True),
        ("o'hara+shop@mail.example.com", True),
        # The policy compares the bare address, which would never be equal to these.
        ("Shop <shop@example.com>", False),
        ("<shop@example.com>", False),
        ("shop", False),
        ("shop@example.com, ceo@example.com", False),
    ],
)
def test_mails_are_sent_from_a_bare_address(sender: str, is_taken: bool) -> None:
    assert takes("MailFrom", sender) == is_taken


@pytest.mark.parametrize(
    ("layer", "is_taken"),
    [
        ("", True),
        (LAYER, True),
        (LAYER.replace("arn:aws:", "arn:aws-us-gov:"), True),
        # Without a version Lambda refuses it.
        (LAYER.rpartition(":")[0], False),
        ("aws-otel-python", False),
    ],
)
def test_the_layer_that_traces_is_one_version_of_one(layer: str, is_taken: bool) -> None:
    assert takes("TracingLayer", layer) == is_taken


def test_a_parameter_that_cannot_do_without_another_is_refused_before_anything_is_made() -> None:
    assert {
        name: (rule["RuleCondition"], [one["Assert"] for one in rule["Assertions"]])
        for name, rule in TEMPLATE["Rules"].items()
    } == {
        "CodeBuildHasAProject": (["Builds", "codebuild"], [[["CodeBuildProject", ""]]]),
        "OpenTelemetryHasALayer": (["Tracing", "opentelemetry"], [[["TracingLayer", ""]]]),
    }


def test_both_ways_of_tracing_have_the_sampling_and_the_permission_of_lambdas_own() -> None:
    assert FUNCTION["Tracing"] == ["IsTraced", "Active", "PassThrough"]
    assert RESOURCES["TracePolicy"]["Condition"] == "IsTraced"
    roles = [one["Properties"] for one in RESOURCES.values() if one["Type"] == "AWS::IAM::Role"]
    assert len(roles) == 4
    assert all(["IsTraced", "TracePolicy", "AWS::NoValue"] in role["ManagedPolicyArns"] for role in roles)


def test_the_layer_starts_only_the_functions_that_opentelemetry_traces() -> None:
    assert TEMPLATE["Conditions"]["TracedByLayer"] == [["Tracing", "opentelemetry"], [["TracingLayer", ""]]]
    assert FUNCTION["Layers"] == ["TracedByLayer", ["TracingLayer"], "AWS::NoValue"]
    wrapper = FUNCTION["Environment"]["Variables"]["AWS_LAMBDA_EXEC_WRAPPER"]
    assert wrapper == ["TracedByLayer", "/opt/otel-instrument", "AWS::NoValue"]


def test_the_home_of_what_a_stack_of_a_global_table_creates_is_the_region_it_is_in() -> None:
    variables = FUNCTION["Environment"]["Variables"]
    assert variables["WORKFLOW_REGION"] == ["IsGlobal", "AWS::Region", ""]
    assert TEMPLATE["Parameters"]["GlobalTable"]["AllowedValues"] == ["yes", "no"]
    assert TEMPLATE["Parameters"]["GlobalTable"]["Default"] == "no"


def test_a_sweep_that_is_late_is_given_up_for_the_next_one() -> None:
    sweep = RESOURCES["SweepFunction"]["Properties"]
    given_up = {"MaximumRetryAttempts": 0, "MaximumEventAgeInSeconds": 60}
    assert sweep["EventInvokeConfig"] == given_up
    assert sweep["Events"]["EveryMinute"]["Properties"]["RetryPolicy"] == given_up


def test_requests_that_are_too_many_are_a_matter_of_two_parameters() -> None:
    assert RESOURCES["WebhookStage"]["Properties"]["DefaultRouteSettings"] == {
        "ThrottlingRateLimit": "RequestsPerSecond",
        "ThrottlingBurstLimit": "RequestBurst",
    }
    defaults = {name: TEMPLATE["Parameters"][name]["Default"] for name in ("RequestsPerSecond", "RequestBurst")}
    assert defaults == {"RequestsPerSecond": 100, "RequestBurst": 200}


def test_the_access_log_tells_what_the_gateway_answered_by_itself_and_nothing_of_the_request() -> None:
    settings = RESOURCES["WebhookStage"]["Properties"]["AccessLogSettings"]
    assert settings["DestinationArn"] == "AccessLog.Arn"
    assert RESOURCES["AccessLog"]["Properties"]["RetentionInDays"] == "LogRetentionDays"
    assert set(re.findall(r"\$context\.([\w.]+)", settings["Format"])) == {
        *("requestId", "integration.requestId", "routeKey", "status", "responseLatency"),
        *("error.responseType", "integration.error", "authorizer.error"),
    }


def test_the_secrets_of_our_webhooks_lie_where_their_function_may_read() -> None:
    path = TEMPLATE["Parameters"]["WebhookSecretsPath"]["Default"]
    webhooks = [file.read_text(encoding="utf-8") for file in (FILE.parent / "webhooks").glob("*.yaml")]
    names = [name for text in webhooks for name in re.findall(r"\bssm:([^\s,\]]+)", text)]
    assert len(names) == len(webhooks)
    assert [name for name in names if not name.startswith(path)] == []


def test_what_the_page_of_global_tables_edits_leaves_no_table_of_its_own(tmp_path: Path) -> None:
    page = (FILE.parent / "docs" / "global-tables.md").read_text(encoding="utf-8")
    (edit,) = re.findall(r"^```sh\n(sed .*?)^```$", page, re.MULTILINE | re.DOTALL)
    shutil.copy(FILE, tmp_path)
    subprocess.run(["bash", "-c", edit], cwd=tmp_path, check=True)
    text = (tmp_path / "replica.yaml").read_text(encoding="utf-8")
    edited = read_template(tmp_path / "replica.yaml")
    assert TEMPLATE["Resources"].keys() - edited["Resources"].keys() == {"Table"}
    assert edited["Parameters"].keys() - TEMPLATE["Parameters"].keys() == {"ExistingTable", "ExistingStream"}
    assert re.findall(r"!Ref Table\b|!GetAtt Table\.|\$\{Table[.}]", text) == []


def test_every_parameter_has_its_place_in_the_page() -> None:
    rows = re.findall(r"^\| ((?:`\w+`(?:, )?)+) \|", PAGE, re.MULTILINE)
    told = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    parameters: dict[str, Any] = TEMPLATE["Parameters"]
    assert sorted(parameters.keys() - told) == []
