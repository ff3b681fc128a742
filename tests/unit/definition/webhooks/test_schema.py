"""The published schema is the model's, accepts what is right and underlines what is typically wrong."""

from __future__ import annotations

from pathlib import Path

import jsonschema
import pytest

import workflow.definition.webhooks
from workflow.definition.parser import parse
from workflow.definition.webhooks.schema import schema_text, webhook_schema

GITHUB = (Path(__file__).parent / "github.yaml").read_text()
PUBLISHED = Path(workflow.definition.webhooks.__path__[0]) / "webhook.schema.json"


def errors_of(text: str) -> list[str]:
    validator = jsonschema.Draft202012Validator(webhook_schema())
    return [error.message for error in validator.iter_errors(parse(text, "f").data)]


def test_the_published_schema_is_the_one_the_model_gives() -> None:
    assert PUBLISHED.read_text() == schema_text(), "write schema_text() to webhook.schema.json"


def test_the_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(webhook_schema())


def test_a_webhook_that_uses_every_key_is_accepted() -> None:
    assert errors_of(GITHUB) == []


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("webhook: github", "webhook: GitHub"),
        ("webhook: github", "source: github"),
        ("scheme: github", "scheme: gitlab"),
        ("scheme: github", "scheme: hmac"),
        ("scheme: github", "scheme: github\n  header: x-signature"),
        ("scheme: github", "scheme: timestamped\n  tolerance: five"),
        ("ssm:/ci/github-webhook", "hunter2"),
        ("most_bytes: 2097152", "most_bytes: 0"),
        ("by: body.sender.login", "by:"),
        ("kind: order", "kind: {form: body.kind}"),
        ("trigger: create", "triger: create"),
        ("total: body.order.total", "total: 5"),
    ],
)
def test_a_typical_mistake_is_underlined(right: str, wrong: str) -> None:
    assert right in GITHUB
    assert errors_of(GITHUB.replace(right, wrong, 1)) != []


@pytest.mark.parametrize(
    "said",
    [
        "scheme: timestamped\n  header: x-own\n  tolerance: 1m",
        "scheme: standard-webhooks\n  tolerance: 1m",
        "scheme: hmac\n  header: x-own\n  encoding: base64\n  prefix: v1=",
    ],
)
def test_the_keys_of_the_other_schemes_are_accepted(said: str) -> None:
    assert errors_of(GITHUB.replace("scheme: github", said, 1)) == []


def test_every_key_is_described_for_the_editor() -> None:
    schema = webhook_schema()
    closed = [schema, *schema["$defs"].values()]

    undescribed = [key for part in closed for key, said in part["properties"].items() if "description" not in said]

    assert undescribed == []
