"""Pydantic's errors in our words: what is wrong, and what to write instead."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from pydantic_core import ErrorDetails

from workflow.definition.document import PathTuple
from workflow.definition.shapes import MAX_NAME_CHARACTERS, TAGS
from workflow.definition.suggestions import ways_out

Words: TypeAlias = tuple[str, str]
"""The message and the way out."""

_EXPECTED: Mapping[str, str] = {
    "": "a map that begins with kind",
    "data": "a map of fields",
    "states": "a map of states",
    "transitions": "a map of transitions",
    "after": "a map from durations to triggers",
    "on_enter": "a list of hook names",
    "on_exit": "a list of hook names",
    "effects": "a list of hook names",
    "catch": "a map from error names to triggers",
    "then": "the name of a trigger",
    "retry": "a map with attempts, first, factor, ceiling",
    "lanes": "a map of lanes",
    "publish": "a map such as {eventbridge: orders}",
    "fire": "a map such as {kind: order, id: data.order, trigger: ship}",
    "payload": "a map from names to JMESPath",
    "choices": "a list of values",
}
_TYPES: Mapping[str, str] = {
    "string_type": "text",
    "int_type": "a whole number",
    "bool_type": "true or false",
    "list_type": "a list",
    "dict_type": "a map",
    "model_type": "a map",
    "model_attributes_type": "a map",
}
_EXAMPLES: Mapping[str, str] = {
    "kind": "kind: order",
    "version": "version: 1",
    "initial": "initial: placed",
    "states": "states: {placed: {}}",
    "from": "from: placed",
    "to": "to: paid",
    "type": "type: string",
    "run": "run: send_receipt",
    "function": "function: is_paid",
    "waiting": "waiting: pending",
    "running": "running: active",
    "trigger": "trigger: start",
}


def path_of(error: ErrorDetails) -> PathTuple:
    """Where the error stands, in keys and indexes of the file."""
    parts = tuple(part for part in error["loc"] if part not in TAGS)
    return parts[:-1] if is_at_key(error) else parts


def is_at_key(error: ErrorDetails) -> bool:
    """Whether it is the key that is wrong, not the value beside it."""
    return error["loc"][-1:] == ("[key]",) and error["type"] != "unknown_keys"


def words(error: ErrorDetails) -> Words:
    """What to say of this error."""
    path, details = path_of(error), error.get("ctx", {})
    if error["type"] in _SAYINGS:
        return _SAYINGS[error["type"]](path, details, error["input"])
    if error["type"] == "shape":
        return f"{_named(path)}: expected {error['msg']}, got {shape_of(error['input'])}", "write one of these"
    if error["type"] in _TYPES:
        return _wrong_type(path, _TYPES[error["type"]], error["input"])
    return f"{_named(path)}: {error['msg'].lower()}", "see the published schema for what is allowed"


def unknown_key(key: str, allowed: list[str]) -> Words:
    """What to say of a key that is none of the `allowed`."""
    return f"unknown key {_short(key)}", ways_out(key, allowed, "allowed here")


def shape_of(given: Any) -> str:
    """What kind of thing was written, in a word or two."""
    if given is None:
        return "nothing"
    if isinstance(given, bool):
        return "true" if given else "false"
    names = {str: "text", list: "a list", dict: "a map"}
    return next((name for kind, name in names.items() if isinstance(given, kind)), f"the number {str(given)[:20]}")


def _named(path: PathTuple) -> str:
    """The nearest key, with the number of the item in it where there is one."""
    names = [part for part in path if isinstance(part, str)]
    return names[-1][:60] if names else "the definition"


def _missing(path: PathTuple, _: Mapping[str, Any], __: Any) -> Words:
    name = str(path[-1])
    return f"{name}: is missing", f"add it, such as '{_EXAMPLES.get(name, name + ': ...')}'"


def _nothing(path: PathTuple, _: Mapping[str, Any], __: Any) -> Words:
    return f"{_named(path)}: has no value", "give it one, or remove the key"


def _judged(_: PathTuple, details: Mapping[str, Any], __: Any) -> Words:
    return details["message"], details["way_out"]


def _wrong_type(path: PathTuple, general: str, given: Any) -> Words:
    name = _named(path) if path else ""
    last = path[-1] if path else ""
    expected = _EXPECTED.get(name, general) if last == name else general
    way_out = "remove the key, or give it a value" if given is None else _as_literal(path, given) or f"write {expected}"
    return f"{_named(path)}: expected {expected}, got {shape_of(given)}", way_out


def _as_literal(path: PathTuple, given: Any) -> str:
    """A number or boolean that a transition is to set; '' for anything else. YAML has the quotes, JMESPath the rest."""
    in_sets = len(path) > 3 and path[-2] == "sets" and isinstance(path[-1], str)
    if not in_sets or isinstance(given, list | dict):
        return ""
    return f'write "`{str(given).lower()[:40]}`", in backticks and quotes'


def _pattern(_: PathTuple, details: Mapping[str, Any], given: Any) -> Words:
    if details["pattern"].startswith("^[a-z]"):
        if len(given) > MAX_NAME_CHARACTERS:
            return f"the name {_short(given)} has {len(given)} characters", f"write at most {MAX_NAME_CHARACTERS}"
        return f"{_short(given)} is not a name", "use lower-case letters, digits and _, beginning with a letter"
    if "*" in details["pattern"][-6:]:
        return f"{_short(given)} is not the name of an error class", "write one such as CardDeclined, or '*' for all"
    return f"{_short(given)} is not the name of a target", "use letters, digits, '.', '_' and '-'; no address or ARN"


def _too_short(path: PathTuple, _: Mapping[str, Any], __: Any) -> Words:
    return f"{_named(path)}: is empty", "write at least one"


def _too_long(path: PathTuple, details: Mapping[str, Any], _: Any) -> Words:
    return f"{_named(path)}: is longer than {details['max_length']} characters", "shorten it"


def _too_small(path: PathTuple, details: Mapping[str, Any], given: Any) -> Words:
    return f"{_named(path)}: is {given}, less than {details['ge']}", f"write {details['ge']} or more"


def _too_large(path: PathTuple, details: Mapping[str, Any], given: Any) -> Words:
    return f"{_named(path)}: is {str(given)[:20]}, more than {details['le']}", f"write {details['le']} or less"


def _short(given: Any) -> str:
    return repr(given if len(str(given)) <= 60 else str(given)[:57] + "...")


_SAYINGS: Mapping[str, Callable[[PathTuple, Mapping[str, Any], Any], Words]] = {
    "missing": _missing,
    "nothing": _nothing,
    "judged": _judged,
    "string_pattern_mismatch": _pattern,
    "too_short": _too_short,
    "string_too_short": _too_short,
    "string_too_long": _too_long,
    "greater_than_equal": _too_small,
    "less_than_equal": _too_large,
}
