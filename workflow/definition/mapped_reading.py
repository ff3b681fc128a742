"""From a document that maps what others send, a webhook or a map of an archive, to its model, with every problem.

A misspelt key is read as the one that was meant, so that it does not hide what is wrong beside it.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from workflow.definition.document import Document, PathTuple
from workflow.definition.findings import Finding
from workflow.definition.suggestions import find_closest
from workflow.definition.values import Value
from workflow.definition.wording import Words, is_at_key, path_of, shape_of, unknown_key, words

_MAX_ROUNDS = 8

Model = TypeVar("Model", bound=BaseModel)


@dataclass(slots=True)
class Reading(Generic[Model]):
    """What could be read of a document: `data` with misspelt keys put right, and the model if all of it fits."""

    document: Document
    data: Value = None
    model: Model | None = None
    findings: list[Finding] = field(default_factory=list)
    """Some may be there twice."""


@dataclass(frozen=True, slots=True)
class Telling:
    """How to speak of a sort of documents: what one is called, `examples` of whole lines, what was `expected` of a
    key, which keys and maps hold JMESPath and how it looks, and words of its own for what nothing else tells."""

    document: str
    examples: Mapping[str, str]
    expected: Mapping[str, str]
    mapped: tuple[str, ...]
    maps: tuple[str, ...]
    mapping: str
    own: Callable[[ErrorDetails, str], Words | None] = lambda error, last: None


def read_mapped(document: Document, model: type[Model], telling: Telling) -> Reading[Model]:
    """The reading of a usable document; its problems are in the reading, and nothing is raised."""
    reading: Reading[Model] = Reading(document, copy.deepcopy(document.data))
    for _ in range(_MAX_ROUNDS):
        try:
            reading.model = model.model_validate(reading.data)
            return reading
        except ValidationError as found:
            errors = found.errors(include_url=False)
        unknown = [error for error in errors if error["type"] == "unknown_keys"]
        # A later round finds the same again; findings that are equal are told once.
        reading.findings += [_finding(error, telling) for error in errors if error not in unknown]
        for error in unknown:
            _meet_unknown_keys(reading, error)
        if not unknown:
            return reading
    return reading


def _finding(error: ErrorDetails, telling: Telling) -> Finding:
    path = path_of(error)
    missing = error["type"] == "missing"
    # A missing key is reported at the key of the map that lacks it, which is where the eye goes first.
    at_key = missing or is_at_key(error)
    return Finding(path[:-1] if missing else path, *_words(error, path, telling), at_key=at_key)


def _words(error: ErrorDetails, path: PathTuple, telling: Telling) -> Words:
    last = str(path[-1]) if path else ""
    if not path:
        begin = next(iter(telling.examples))
        return f"{telling.document}, got {shape_of(error['input'])}", f"write one that begins with '{begin}:'"
    if error["type"] == "missing":
        return f"{last}: is missing", f"add it, such as '{telling.examples.get(last, last + ': ...')}'"
    if error["type"] in ("list_type", "dict_type", "model_type") and last in telling.expected:
        return (
            f"{last}: expected {telling.expected[last]}, got {shape_of(error['input'])}",
            f"write {telling.expected[last]}",
        )
    if error["type"] == "string_type" and (last in telling.mapped or set(path[-2:-1]) & set(telling.maps)):
        way_out = f'write it, such as {telling.mapping}; a literal stands in backticks and quotes: "`5`"'
        return f"{last}: expected JMESPath, got {shape_of(error['input'])}", way_out
    return telling.own(error, last) or words(error)


def _meet_unknown_keys(reading: Reading[Model], error: ErrorDetails) -> None:
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
