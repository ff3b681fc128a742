"""The published schema is the model's, accepts what is right and underlines what is typically wrong."""

from __future__ import annotations

from pathlib import Path

import jsonschema
import pytest

import workflow.definition.archives
from workflow.definition.archives.schema import archive_map_schema, schema_text
from workflow.definition.parser import parse

ORDERS = (Path(__file__).parent / "orders.yaml").read_text()
PUBLISHED = Path(workflow.definition.archives.__path__[0]) / "archive_map.schema.json"


def errors_of(text: str) -> list[str]:
    validator = jsonschema.Draft202012Validator(archive_map_schema())
    return [error.message for error in validator.iter_errors(parse(text, "f").data)]


def test_the_published_schema_is_the_one_the_model_gives() -> None:
    assert PUBLISHED.read_text() == schema_text(), "write schema_text() to archive_map.schema.json"


def test_the_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(archive_map_schema())


def test_a_map_that_uses_every_key_is_accepted() -> None:
    assert errors_of(ORDERS) == []


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("archive: old_shop", "archive: Old-Shop"),
        ("archive: old_shop", "name: old_shop"),
        ("id: line.number", "id: 5"),
        ("trigger: pay", "triger: pay"),
        ("{from: step.what,", "{form: step.what,"),
        ("sent: ship", "sent: Ship"),
        ("%d.%m.%Y %H:%M", "german"),
        ('delimiter: ";"', 'delimiter: ";;"'),
        ('decimal: ","', "decimal: comma"),
        ("when: line.total", "when:"),
        ("total: line.total", "total: 5"),
    ],
)
def test_a_typical_mistake_is_underlined(right: str, wrong: str) -> None:
    assert right in ORDERS
    assert errors_of(ORDERS.replace(right, wrong, 1)) != []


def test_every_key_is_described_for_the_editor() -> None:
    schema = archive_map_schema()
    closed = [schema, *schema["$defs"].values()]

    undescribed = [key for part in closed for key, said in part["properties"].items() if "description" not in said]

    assert undescribed == []
