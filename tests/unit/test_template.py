"""What template.yaml promises of what it keeps, of what its functions may do, and of where it lets secrets go."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from demo.dashboard.definition import read_resources
from tests.engines import template

RESOURCES = read_resources(Path(__file__).parents[2] / "template.yaml")
FUNCTIONS = ["ApiFunction", "StreamFunction", "SweepFunction", "WebhookFunction"]

ENCRYPTION = {
    "AWS::DynamoDB::Table": "SSESpecification",
    "AWS::S3::Bucket": "BucketEncryption",
    "AWS::SNS::Topic": "KmsMasterKeyId",
    "AWS::SQS::Queue": "SqsManagedSseEnabled",
}


def test_what_is_kept_is_encrypted() -> None:
    kept = {name: one for name, one in template()["Resources"].items() if one["Type"] in ENCRYPTION}
    assert {one["Type"] for one in kept.values()} == ENCRYPTION.keys()
    assert [name for name, one in kept.items() if not one["Properties"].get(ENCRYPTION[one["Type"]])] == []


@pytest.mark.parametrize(
    ("url", "is_taken"),
    [
        ("", True),
        ("https://api.hubapi.com", True),
        ("http://127.0.0.1:8080", True),
        ("http://localhost/crm", True),
        ("http://api.hubapi.com", False),
        ("http://localhost.example.com", False),
        ("http://127.0.0.1:80@example.com", False),
        ("http://127.0.0.1@example.com", False),
        ("api.hubapi.com", False),
    ],
)
def test_the_token_of_the_crm_goes_nowhere_in_clear(url: str, is_taken: bool) -> None:
    pattern = template()["Parameters"]["CrmUrl"]["AllowedPattern"]
    assert bool(re.search(pattern, url)) == is_taken


def test_entities_are_served_to_callers_that_iam_knows_and_to_nobody_else() -> None:
    routes = {
        name: one["Properties"]
        for name, one in template()["Resources"].items()
        if one["Type"] == "AWS::ApiGatewayV2::Route"
    }
    assert {route["RouteKey"]: route["AuthorizationType"] for route in routes.values()} == {
        "ANY /webhooks/{source}": "NONE",
        "ANY /entities/{kind}": "AWS_IAM",
        "ANY /entities/{kind}/{id}": "AWS_IAM",
        "ANY /entities/{kind}/{id}/{name}": "AWS_IAM",
    }


@pytest.mark.parametrize(
    ("url", "is_taken"),
    [
        ("", True),
        ("smtp://mail.example.com:25", True),
        ("smtps://mail.example.com", True),
        # Whoever may look at a function sees its environment.
        ("smtp://ada:secret@mail.example.com", False),
        ("smtps://ada@mail.example.com:465", False),
        ("http://mail.example.com", False),
    ],
)
def test_the_address_of_the_mail_server_holds_no_password(url: str, is_taken: bool) -> None:
    assert bool(re.search(template()["Parameters"]["SmtpUrl"]["AllowedPattern"], url)) == is_taken


@pytest.mark.parametrize(
    ("topic", "is_taken"),
    [
        ("", True),
        ("arn:aws:sns:eu-central-1:123456789012:alarms", True),
        ("arn:aws-us-gov:sns:us-gov-west-1:123456789012:alarms", True),
        ("alarms", False),
        ("arn:aws:sqs:eu-central-1:123456789012:alarms", False),
    ],
)
def test_alarms_are_told_to_a_topic(topic: str, is_taken: bool) -> None:
    assert bool(re.search(template()["Parameters"]["AlarmTopic"]["AllowedPattern"], topic)) == is_taken


def test_tables_can_be_put_back_and_are_not_deleted_by_accident() -> None:
    tables = of_type("AWS::DynamoDB::Table")
    assert len(tables) == 3
    for table in tables.values():
        properties = table["Properties"]
        assert table["DeletionPolicy"] == table["UpdateReplacePolicy"] == "Retain"
        assert properties["BillingMode"] == "PAY_PER_REQUEST"
        assert properties["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
        assert properties["DeletionProtectionEnabled"] == ["IsProtected", True, False]


def test_each_function_has_a_role_and_a_log_of_its_own() -> None:
    functions = of_type("AWS::Serverless::Function")
    assert sorted(functions) == FUNCTIONS
    for name, function in functions.items():
        own = name.removesuffix("Function")
        assert function["Properties"]["Role"] == f"{own}Role.Arn"
        assert function["Properties"]["LoggingConfig"] == {"LogGroup": f"{own}Log"}
        assert RESOURCES[f"{own}Log"]["Properties"]["RetentionInDays"] == "LogRetentionDays"
        assert RESOURCES[f"{own}Role"]["Type"] == "AWS::IAM::Role"


def test_no_statement_allows_a_scan_or_more_actions_than_it_names() -> None:
    actions = [action for one in statements() for action in listed(one["Action"])]
    assert "dynamodb:GetItem" in actions
    assert [action for action in actions if action == "dynamodb:Scan" or "*" in action] == []


def test_what_knows_a_resource_is_allowed_on_ours_alone() -> None:
    anywhere = {action for one in statements() if one["Resource"] == "*" for action in listed(one["Action"])}
    # SES takes the sender as a condition; X-Ray knows no resource.
    assert anywhere == {"ses:SendEmail", "xray:PutTraceSegments", "xray:PutTelemetryRecords"}
    stream = [one for one in statements() if "dynamodb:GetRecords" in listed(one["Action"])]
    # Of this table any: a stream that is made anew has another label.
    assert [one["Resource"] for one in stream] == ["${Table.Arn}/stream/*"]
    buckets = [one for one in statements() if any(action.startswith("s3:") for action in listed(one["Action"]))]
    assert len(buckets) == 3
    assert [one.get("Condition") for one in buckets] == [{"StringEquals": {"s3:ResourceAccount": "AWS::AccountId"}}] * 3


def test_mails_go_out_from_the_one_address() -> None:
    (mails,) = [one for one in statements() if "ses:SendEmail" in listed(one["Action"])]
    assert mails["Condition"] == {"StringEquals": {"ses:FromAddress": "MailFrom"}}


def of_type(type: str) -> dict[str, Any]:
    return {name: one for name, one in RESOURCES.items() if one["Type"] == type}


def statements() -> list[dict[str, Any]]:
    """Every statement of every policy, those that a parameter asks for as well."""
    documents = [one["Properties"]["PolicyDocument"] for one in of_type("AWS::IAM::ManagedPolicy").values()]
    for role in of_type("AWS::IAM::Role").values():
        documents += [policy["PolicyDocument"] for policy in role["Properties"]["Policies"]]
    found = [one for document in documents for one in document["Statement"]]
    # Of a condition: its name, the statement, and nothing.
    return [one if isinstance(one, dict) else one[1] for one in found]


def listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value
