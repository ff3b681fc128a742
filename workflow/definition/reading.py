"""From a document to the model, with every problem on the way.

One mistake must not hide the next: what does not fit is noted, put right as far as a guess may go (a misspelt key is
read as the one that was meant, the rest is left out), and the document is judged again.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import Any

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
    "lanes": {},
}


@dataclass(slots=True)
class Reading:
    """What could be read of a document; the model may lack what is named in `left_out`."""

    document: Document
    model: DefinitionModel | None = None
    problems: list[Problem] = field(default_factory=list)
    left_out: set[str] = field(default_factory=set)
    """Sections whose names are not complete (`states`), and keys that are not (`states.final`)."""


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
        left_out: set[PathTuple] = set()
        for error in errors:
            _meet(reading, data, error, seen, left_out)
    return reading


def _meet(
    reading: Reading,
    data: dict[str, Any],
    error: ErrorDetails,
    seen: set[tuple[str, PathTuple]],
    left_out: set[PathTuple],
) -> None:
    path = path_of(error)
    if error["type"] == "unknown_keys":
        _meet_unknown_keys(reading, data, error)
        return
    if (error["type"], path) not in seen:
        seen.add((error["type"], path))
        _note(reading, error)
    # A second error of the same thing must not leave out more than the first one did.
    part = path[:2] if path[:1] == ("data",) else path[:3]
    if part not in left_out:
        left_out.add(part)
        _leave_out(reading, data, path)


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
    node = _find_map(data, path)
    for key in error["ctx"]["unknown"]:
        _add(reading, (*path, key), True, *unknown_key(key, allowed))
        if node is not None:
            _rename_or_remove(reading, path, node, key, find_closest(key, allowed))


def _rename_or_remove(reading: Reading, path: PathTuple, node: dict[str, Any], key: str, meant: str | None) -> None:
    value = node.pop(key)
    if meant is None or meant in node:
        reading.left_out |= _perhaps_meant(path, node)
    else:
        node[meant] = value
        reading.document.renamed[(*path, meant)] = key


def _perhaps_meant(path: PathTuple, node: dict[str, Any]) -> set[str]:
    """What an unknown key may have stood for: a check that needs it would only repeat the complaint."""
    if not path:
        return {section for section in ("data", "transitions") if section not in node}
    return {"states": {"states.final"}, "transitions": {"transitions.guard"}}.get(str(path[0]), set())


def _find_map(data: dict[str, Any], path: PathTuple) -> dict[str, Any] | None:
    """The map at `path`; None where an error before this one has left it out already."""
    node: Any = data
    for part in path:
        try:
            node = node[part]
        except (KeyError, IndexError, TypeError):
            return None
    return node if isinstance(node, dict) else None


def _leave_out(reading: Reading, data: dict[str, Any], path: PathTuple) -> None:
    section = str(path[0]) if path else "kind"
    inner = data.get(section)
    if len(path) < 2 or not isinstance(inner, dict):
        data[section] = copy.deepcopy(_STAND_INS[section])
        reading.left_out.add(section)
        return
    if path[1] not in inner:
        return
    leave_out = {
        "data": _leave_out_field,
        "states": _leave_out_of_state,
        "transitions": _leave_out_of_transition,
        "lanes": _leave_out_lane,
    }
    reading.left_out.add(leave_out[section](inner, str(path[1]), path[2:]))


def _leave_out_lane(lanes: dict[str, Any], name: str, _: PathTuple) -> str:
    del lanes[name]
    return "lanes"


def _leave_out_field(fields: dict[str, Any], name: str, _: PathTuple) -> str:
    """The name stays where it can, so that nobody who uses it is told that it is not declared."""
    if fields[name] == "any":
        del fields[name]
        return "data"
    fields[name] = "any"
    return "data.type"


def _leave_out_of_state(states: dict[str, Any], name: str, rest: PathTuple) -> str:
    state = states[name]
    if rest and isinstance(state, dict) and rest[0] in state:
        del state[rest[0]]
        return f"states.{rest[0]}"
    if state is not None:
        states[name] = None
        return "states.final"
    del states[name]
    states.update({} if states else {"unknown": None})
    return "states"


def _leave_out_of_transition(transitions: dict[str, Any], name: str, rest: PathTuple) -> str:
    spec = transitions[name]
    index = rest[0] if rest and isinstance(rest[0], int) else None
    candidate = spec[index] if isinstance(spec, list) and index is not None else spec
    keys = rest[1:] if index is not None else rest
    if keys and keys[0] in _OPTIONAL and isinstance(candidate, dict) and keys[0] in candidate:
        del candidate[keys[0]]
        return f"transitions.{keys[0]}"
    del transitions[name]
    return "transitions"
