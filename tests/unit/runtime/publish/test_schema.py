"""The published schema: valid itself, true of every message, and closed."""

from __future__ import annotations

from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.unit.runtime.publish.test_envelope import CREATED, told
from workflow.runtime.publish.envelope import DATA_SCHEMA, pointing_at
from workflow.runtime.publish.schema import read_schema

VALIDATOR = Draft202012Validator(read_schema())


def test_it_is_a_schema_that_names_the_form_of_the_data() -> None:
    Draft202012Validator.check_schema(read_schema())
    assert read_schema()["$defs"]["transition"]["$id"] == DATA_SCHEMA


@pytest.mark.parametrize(
    "message",
    [
        told(),
        told(CREATED._replace(source="a", version=2, trigger="pay"), type="OrderPaid", by="ada"),
        pointing_at(told(), "s3://bucket/order/0a1b.json"),
    ],
)
def test_every_form_of_a_message_fits(message: dict[str, Any]) -> None:
    assert [error.message for error in VALIDATOR.iter_errors(message)] == []


@pytest.mark.parametrize(
    "change",
    [
        {"data": None},
        {"dataref": "s3://b/k"},
        {"specversion": "0.3"},
        {"time": "yesterday"},
        {"extra": 1},
        {"source": ""},
        {"data": {**told()["data"], "state": "placed"}},
        {"data": {**told()["data"], "version": 0}},
    ],
)
def test_anything_else_does_not(change: dict[str, Any]) -> None:
    assert not VALIDATOR.is_valid(told() | change)


def test_a_message_with_neither_data_nor_a_pointer_does_not() -> None:
    message = told()
    del message["data"]
    assert not VALIDATOR.is_valid(message)
