"""The JSON Schema of a definition file, so that editors complete and underline while one writes."""

from __future__ import annotations

import json
import re
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import core_schema

from workflow.definition.model import DefinitionModel

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def definition_schema() -> dict[str, Any]:
    """The schema (2020-12) of one definition file; the checks refuse more than a schema can say."""
    return schema_of(DefinitionModel)


def schema_text() -> str:
    """The schema as it is published: JSON, indented, with a line end."""
    return published(definition_schema())


def schema_of(model: type[BaseModel]) -> dict[str, Any]:
    """The schema (2020-12) of a file of that model."""
    return {"$schema": DIALECT, **model.model_json_schema(by_alias=True, schema_generator=_Generator)}


def published(schema: dict[str, Any]) -> str:
    """A schema as text: JSON, indented, with a line end."""
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


class _Generator(GenerateJsonSchema):
    """Pydantic's generator, with what the model says beyond its types: maps are closed, and null is no value."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False

    def model_schema(self, schema: core_schema.ModelSchema) -> dict[str, Any]:
        described = super().model_schema(schema)
        words = re.sub("(?<=[a-z])(?=[A-Z])", " ", schema["cls"].__name__.removesuffix("Model"))
        return {**described, "title": words.capitalize()}

    def dict_schema(self, schema: core_schema.DictSchema) -> dict[str, Any]:
        described = super().dict_schema(schema)
        return {**described, "additionalProperties": False} if "patternProperties" in described else described

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> dict[str, Any]:
        described = super().default_schema(schema)
        if "default" not in described or described["default"] is not None:
            return described
        given = [form for form in described.get("anyOf", ()) if form != {"type": "null"}]
        rest = {key: value for key, value in described.items() if key not in {"anyOf", "default"}}
        return {**rest, **(given[0] if len(given) == 1 else {})}
