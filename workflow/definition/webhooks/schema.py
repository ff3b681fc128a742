"""The JSON Schema of a webhook file, so that editors complete and underline while one writes."""

from __future__ import annotations

from typing import Any

from workflow.definition.schema import published, schema_of
from workflow.definition.webhooks.model import WebhookModel


def webhook_schema() -> dict[str, Any]:
    """The schema (2020-12) of one webhook file; the checks refuse more than a schema can say."""
    return schema_of(WebhookModel)


def schema_text() -> str:
    """The schema as it is published: JSON, indented, with a line end."""
    return published(webhook_schema())
