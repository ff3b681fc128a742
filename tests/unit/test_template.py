"""What template.yaml promises of what it keeps, and of where it lets secrets go."""

from __future__ import annotations

import re

import pytest

from tests.engines import template

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
