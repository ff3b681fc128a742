"""The JSON Schema of a message, as the package carries it."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

SCHEMA = "message.schema.json"


def schema_text() -> str:
    """The schema (2020-12) of one published message, as text."""
    return files("workflow.runtime.publish").joinpath(SCHEMA).read_text(encoding="utf-8")


def read_schema() -> dict[str, Any]:
    """The same, read."""
    schema: dict[str, Any] = json.loads(schema_text())
    return schema
