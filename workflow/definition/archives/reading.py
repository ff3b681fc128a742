"""From a document to the model of an archive's map, with every problem on the way.

A misspelt key is read as the one that was meant, so that it does not hide what is wrong beside it.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from workflow.definition.archives.model import ArchiveMapModel
from workflow.definition.document import Document, PathTuple
from workflow.definition.findings import Finding
from workflow.definition.suggestions import find_closest
from workflow.definition.values import Value
from workflow.definition.wording import Words, is_at_key, path_of, shape_of, unknown_key, words

_MAX_ROUNDS = 8
_EXAMPLES = {
    "archive": "archive: parcels",
    "kind": "kind: shipment",
    "id": "id: line.number",
    "created": "created: line.created_at",
    "trigger": "trigger: ship",
    "at": "at: line.shipped_at",
    "from": "from: line.status",
}
_EXPECTED = {
    "data": "a map from names to JMESPath",
    "payload": "a map from names to JMESPath",
    "words": "a map from the old system's words to our names",
    "steps": "a list of maps",
    "times": "a map with format and zone",
    "csv": "a map with delimiter and decimal",
}
_MAPPED = ("id", "created", "at", "when", "each", "from")
_MAPS = ("payload", "data")


@dataclass(slots=True)
class Reading:
    """What could be read of a document: `data` with misspelt keys put right, and the model if all of it fits."""

    document: Document
    data: Value = None
    model: ArchiveMapModel | None = None
    findings: list[Finding] = field(default_factory=list)
    """Some may be there twice."""


def read_model(document: Document) -> Reading:
    """The reading of a usable document; its problems are in the reading, and nothing is raised."""
    reading = Reading(document, copy.deepcopy(document.data))
    for _ in range(_MAX_ROUNDS):
        try:
            reading.model = ArchiveMapModel.model_validate(reading.data)
            return reading
        except ValidationError as found:
            errors = found.errors(include_url=False)
        unknown = [error for error in errors if error["type"] == "unknown_keys"]
        # A later round finds the same again; findings that are equal are told once.
        reading.findings += [_finding(error) for error in errors if error not in unknown]
        for error in unknown:
            _meet_unknown_keys(reading, error)
        if not unknown:
            return reading
    return reading


def _finding(error: ErrorDetails) -> Finding:
    path = path_of(error)
    missing = error["type"] == "missing"
    # A missing key is reported at the key of the map that lacks it, which is where the eye goes first.
    return Finding(path[:-1] if missing else path, *_words(error, path), at_key=missing or is_at_key(error))


def _words(error: ErrorDetails, path: PathTuple) -> Words:
    last = str(path[-1]) if path else ""
    if not path:
        return f"the map: expected one, got {shape_of(error['input'])}", "write one that begins with 'archive:'"
    if error["type"] == "missing":
        return f"{last}: is missing", f"add it, such as '{_EXAMPLES.get(last, last + ': ...')}'"
    if error["type"] in ("list_type", "dict_type", "model_type") and last in _EXPECTED:
        return f"{last}: expected {_EXPECTED[last]}, got {shape_of(error['input'])}", f"write {_EXPECTED[last]}"
    if error["type"] == "string_type" and (last in _MAPPED or path[-2:-1] in [(name,) for name in _MAPS]):
        way_out = 'write it, such as line.name; a literal stands in backticks and quotes: "`5`"'
        return f"{last}: expected JMESPath, got {shape_of(error['input'])}", way_out
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
