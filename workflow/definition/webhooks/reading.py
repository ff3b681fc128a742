"""From a document to the model of a webhook, with every problem on the way."""

from __future__ import annotations

from typing import TypeAlias

from pydantic_core import ErrorDetails

from workflow.definition.document import Document
from workflow.definition.mapped_reading import Reading as MappedReading
from workflow.definition.mapped_reading import Telling, read_mapped
from workflow.definition.webhooks.model import WebhookModel
from workflow.definition.wording import Words

Reading: TypeAlias = MappedReading[WebhookModel]


def _own_words(error: ErrorDetails, last: str) -> Words | None:
    if error["type"] == "string_pattern_mismatch" and last == "prefix":
        return "prefix: is no plain text of at most 64 characters", "write one such as sha256="
    if error["type"] == "too_long" and last == "secrets":
        return f"secrets: more than {error['ctx']['max_length']} names", "remove those that are not used any more"
    return None


_TELLING = Telling(
    document="the webhook: expected a map",
    examples={
        "webhook": "webhook: github",
        "signature": "signature: {scheme: github, secrets: [ssm:/ci/github-webhook]}",
        "scheme": "scheme: github",
        "secrets": "secrets: [ssm:/ci/github-webhook]",
        "request_id": 'request_id: headers."x-github-delivery"',
        "accept": "accept: [{kind: order, id: body.id, trigger: pay}]",
        "kind": "kind: order",
        "id": "id: body.order.id",
        "trigger": "trigger: pay",
        "from": "from: body.kind",
    },
    expected={
        "signature": "a map with scheme and secrets",
        "secrets": "a list of names",
        "accept": "a list of maps",
        "payload": "a map from names to JMESPath",
    },
    mapped=("request_id", "by", "when", "ignore", "id", "from"),
    maps=("payload",),
    mapping="body.name",
    own=_own_words,
)


def read_model(document: Document) -> Reading:
    """The reading of a usable document; its problems are in the reading, and nothing is raised."""
    return read_mapped(document, WebhookModel, _TELLING)
