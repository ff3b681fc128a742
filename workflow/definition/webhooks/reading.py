"""From a document to the model of a webhook, with every problem on the way.

A misspelt key is read as the one that was meant, so that it does not hide what is wrong beside it.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from workflow.definition.document import Document, PathTuple
from workflow.definition.findings import Finding
from workflow.definition.suggestions import find_closest
from workflow.definition.values import Value
from workflow.definition.webhooks.model import WebhookModel
from workflow.definition.wording import Words, is_at_key, path_of, shape_of, unknown_key, words

_MAX_ROUNDS = 8
_EXAMPLES = {
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
}
_EXPECTED = {
    "signature": "a map with scheme and secrets",
    "secrets": "a list of names",
    "accept": "a list of maps",
    "payload": "a map from names to JMESPath",
}
_MAPPED = ("request_id", "by", "when", "ignore", "id", "from")


@dataclass(slots=True)
class Reading:
    """What could be read of a document: `data` with misspelt keys put right, and the model if all of it fits."""

    document: Document
    data: Value = None
    model: WebhookModel | None = None
    findings: list[Finding] = field(default_factory=list)
    """Some may be there twice."""


def read_model(document: Document) -> Reading:
    """The reading of a usable document; its problems are in the reading, and nothing is raised."""
    reading = Reading(document, copy.deepcopy(document.data))
    for _ in range(_MAX_ROUNDS):
        try:
            reading.model = WebhookModel.model_validate(reading.data)
            return reading
        except ValidationError as found:
            errors = found.errors(include_url=False)
        if not _meet_all(reading, errors):
            return reading
    return reading


def _meet_all(reading: Reading, errors: list[ErrorDetails]) -> bool:
    """Notes the errors; whether anything was put right, so that a next round may find more."""
    unknown = [error for error in errors if error["type"] == "unknown_keys"]
    # A later round finds the same again; findings that are equal are told once.
    reading.findings += [_finding(error) for error in errors if error not in unknown]
    for error in unknown:
        _meet_unknown_keys(reading, error)
    return bool(unknown)


def _finding(error: ErrorDetails) -> Finding:
    path = path_of(error)
    missing = error["type"] == "missing"
    # A missing key is reported at the key of the map that lacks it, which is where the eye goes first.
    return Finding(path[:-1] if missing else path, *_words(error, path), at_key=missing or is_at_key(error))


def _words(error: ErrorDetails, path: PathTuple) -> Words:
    last = str(path[-1]) if path else ""
    if not path:
        return f"the webhook: expected a map, got {shape_of(error['input'])}", "write one that begins with 'webhook:'"
    if error["type"] == "missing":
        return f"{last}: is missing", f"add it, such as '{_EXAMPLES.get(last, last + ': ...')}'"
    if error["type"] == "string_pattern_mismatch" and last == "prefix":
        return "prefix: is no plain text of at most 64 characters", "write one such as sha256="
    if error["type"] in ("list_type", "dict_type", "model_type") and last in _EXPECTED:
        return f"{last}: expected {_EXPECTED[last]}, got {shape_of(error['input'])}", f"write {_EXPECTED[last]}"
    if error["type"] == "string_type" and (last in _MAPPED or path[-2:-1] == ("payload",)):
        way_out = 'write it, such as body.name; a literal stands in backticks and quotes: "`5`"'
        return f"{last}: expected JMESPath, got {shape_of(error['input'])}", way_out
    if error["type"] == "too_long" and last == "secrets":
        return f"secrets: more than {error['ctx']['max_length']} names", "remove those that are not used any more"
    return words(error)


def _meet_unknown_keys(reading: Reading, error: ErrorDetails) -> None:
    path, allowed = path_of(error), error["ctx"]["allowed"]
    node: Any = reading.data
    for part in path:
        node = node[part]
    for key in error["ctx"]["unknown"]:
        reading.findings.append(Finding((*path, key), *unknown_key(key, allowed), at_key=True))
        value, meant = node.pop(key), find_closest(key, allowed)
        if meant is not None and meant not in node:
            node[meant] = value
            reading.document.renamed[(*path, meant)] = key
