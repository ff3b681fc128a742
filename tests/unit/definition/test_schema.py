"""The published schema is the model's, accepts what is right and underlines what is typically wrong."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

import workflow.definition
from workflow.definition.parser import parse
from workflow.definition.schema import definition_schema, schema_text

ORDER = (Path(__file__).parent / "order.yaml").read_text()
PUBLISHED = Path(workflow.definition.__path__[0]) / "definition.schema.json"


def errors_of(text: str) -> list[str]:
    # As an editor sees it: plain JSON types, no Decimal.
    data = json.loads(json.dumps(parse(text, "f").data, default=float))
    return [error.message for error in jsonschema.Draft202012Validator(definition_schema()).iter_errors(data)]


def test_the_published_schema_is_the_one_the_model_gives() -> None:
    assert PUBLISHED.read_text() == schema_text(), "write schema_text() to definition.schema.json"


def test_the_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(definition_schema())


def test_a_definition_that_uses_every_key_is_accepted() -> None:
    assert errors_of(ORDER) == []


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("initial: placed", "initail: placed"),
        ("version: 3", "version: 0"),
        ("version: 3", 'version: "3"'),
        ("kind: order", "kind: Order"),
        ("kind: order", "kind: lane"),
        ("kind: order", f"kind: {'o' * 65}"),
        ("shipped: {final: true}", f"{'s' * 65}: {{final: true}}"),
        ("shipped: {final: true}", "shipped: {final: yes}"),
        ("shipped: {final: true}", "Shipped: {final: true}"),
        ("{1h30m: expire}", "{1h30: expire}"),
        ("on_exit: [release_basket]", "on_exit: release_basket"),
        ("- send_receipt", "- {runn: send_receipt}"),
        ("attempts: 5", "attempts: 0"),
        ("then: charged", "then: [charged]"),
        ("on_unknown: verify", "on_unknown: ask"),
        ("placed_at: timestamp", "placed_at: date"),
        ("{from: placed, to: cancelled}", "{from: placed}"),
        ("guard: {function: is_refused}", "guard: {module.function: is_refused}"),
        ("guard: payload.amount >= data.total", "guard:"),
        ("expire: {from", "create: {from"),
    ],
)
def test_a_typical_mistake_is_underlined(right: str, wrong: str) -> None:
    assert right in ORDER
    assert errors_of(ORDER.replace(right, wrong, 1)) != []


def test_every_key_is_described_for_the_editor() -> None:
    schema = definition_schema()
    closed = [schema, *schema["$defs"].values()]

    undescribed = [key for part in closed for key, said in part["properties"].items() if "description" not in said]

    assert undescribed == []
