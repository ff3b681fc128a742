"""From a document to the model, with every problem on the way.

One mistake must not hide the next: what does not fit is noted, put right as far as a guess may go (a misspelt key is
read as the one that was meant, the rest is left out), and the document is judged again.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import Any, cast

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from workflow.definition.document import Document, PathTuple
from workflow.definition.model import DefinitionModel
from workflow.definition.suggestions import find_closest
from workflow.definition.values import Value
from workflow.definition.wording import is_at_key, path_of, unknown_key, words
from workflow.errors import Problem

_MAX_ROUNDS = 8
_OPTIONAL = {"description", "requires", "sets", "guard", "effects"}
_STAND_INS: dict[str, Value] = {
    "kind": "unknown",
    "version": 1,
    "description": "",
    "initial": "unknown",
    "data": {},
    "states": {"unknown": None},
    "transitions": {},
}


@dataclass(slots=True)
class Reading:
    """What could be read of a document; where `left_out` is not empty, the model lacks something of it."""

    document: Document
    model: DefinitionModel | None = None
    problems: list[Problem] = field(default_factory=list)
    left_out: set[str] = field(default_factory=set)
    """The top-level sections of which something was left out."""


def read_model(document: Document) -> Reading:
    """The reading of a usable document; its problems are in the reading, and nothing is raised."""
    reading, data = Reading(document), copy.deepcopy(document.data)
    seen: set[tuple[str, PathTuple]] = set()
    for _ in range(_MAX_ROUNDS):
        try:
            reading.model = DefinitionModel.model_validate(data)
            return reading
        except ValidationError as found:
            errors = found.errors(include_url=False)
        if not isinstance(data, dict):
            _note(reading, errors[0])
            return reading
        for error in errors:
            _meet(reading, data, error, seen)
    return reading


def _meet(reading: Reading, data: dict[str, Any], error: ErrorDetails, seen: set[tuple[str, PathTuple]]) -> None:
    path = path_of(error)
    if error["type"] == "unknown_keys":
        _meet_unknown_keys(reading, data, error)
        return
    if (error["type"], path) not in seen:
        seen.add((error["type"], path))
        _note(reading, error)
    _leave_out(reading, data, path, error["type"])


def _note(reading: Reading, error: ErrorDetails) -> None:
    message, way_out = words(error)
    path = path_of(error)
    # A missing key is reported at the key of the map that lacks it, which is where the eye goes first.
    at_key = is_at_key(error) or error["type"] == "missing"
    _add(reading, path[:-1] if error["type"] == "missing" else path, at_key, message, way_out)


def _add(reading: Reading, path: PathTuple, at_key: bool, message: str, way_out: str) -> None:
    document = reading.document
    mark = document.locate(path, at_key=at_key)
    reading.problems.append(Problem(document.file, mark.line, mark.column, message, way_out))


def _meet_unknown_keys(reading: Reading, data: dict[str, Any], error: ErrorDetails) -> None:
    path, allowed = path_of(error), error["ctx"]["allowed"]
    node = _find(data, path)
    for key in error["ctx"]["unknown"]:
        _add(reading, (*path, key), True, *unknown_key(key, allowed))
        value = node.pop(key)
        meant = find_closest(key, allowed)
        if meant is None or meant in node:
            reading.left_out.add(str(path[0]) if path else key)
            continue
        node[meant] = value
        reading.document.renamed[(*path, meant)] = key


def _find(data: dict[str, Any], path: PathTuple) -> dict[str, Any]:
    node: Any = data
    for part in path:
        node = node[part]
    return cast(dict[str, Any], node)


def _leave_out(reading: Reading, data: dict[str, Any], path: PathTuple, error_type: str) -> None:
    section = str(path[0]) if path else "kind"
    reading.left_out.add(section)
    inner = data.get(section)
    if len(path) < 2 or not isinstance(inner, dict) or path[1] not in inner:
        data[section] = copy.deepcopy(_STAND_INS[section])
        return
    name = str(path[1])
    if section == "data":
        _leave_out_field(inner, name)
    elif section == "states":
        _leave_out_of_state(inner, name, path[2:], error_type)
    else:
        _leave_out_of_transition(inner, name, path[2:])


def _leave_out_field(fields: dict[str, Any], name: str) -> None:
    """The name stays, so that nobody who uses it is told that it is not declared."""
    if fields[name] == "any":
        del fields[name]
    else:
        fields[name] = "any"


def _leave_out_of_state(states: dict[str, Any], name: str, rest: PathTuple, error_type: str) -> None:
    state = states[name]
    if rest and isinstance(state, dict) and rest[0] in state:
        del state[rest[0]]
    elif state is None:
        del states[name]
        if not states:
            states["unknown"] = None
    else:
        states[name] = None


def _leave_out_of_transition(transitions: dict[str, Any], name: str, rest: PathTuple) -> None:
    spec = transitions[name]
    index = rest[0] if rest and isinstance(rest[0], int) else None
    candidate = spec[index] if isinstance(spec, list) and index is not None else spec
    keys = rest[1:] if index is not None else rest
    if keys and keys[0] in _OPTIONAL and isinstance(candidate, dict) and keys[0] in candidate:
        del candidate[keys[0]]
    else:
        del transitions[name]
