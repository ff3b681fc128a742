"""The commonest slips in JMESPath, and what to write instead."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from jmespath.exceptions import JMESPathError, JMESPathTypeError, LexerError

_LITERALS = ("true", "false", "null")
_OPERATORS: Mapping[str, str] = {
    "+": "JMESPath has no +; write sum([data.n, payload.n]), numbers in backticks",
    "-": "JMESPath has no -; write sum([data.n, `-1`]), or send the difference in the payload",
    "/": "JMESPath has no /; send the quotient in the payload",
}
_JMESPATH_TYPES = {
    "NoneType": "null",
    "str": "string",
    "bool": "boolean",
    "int": "number",
    "Decimal": "number",
    "list": "array",
    "dict": "object",
}
_DEFAULTS = {"number": "`0`", "string": "''", "array": "`[]`", "object": "`{}`"}


def find_lost_not(node: dict[str, Any], text: str) -> tuple[str, str] | None:
    """What is wrong with a `!data.locked`, and the way out; None if the node is none. `!` binds closer than the dot."""
    if node["type"] != "subexpression" or node["children"][0]["type"] != "not_expression":
        return None
    path: list[dict[str, Any]] = [*node["children"][0]["children"], *node["children"][1:]]
    if any(part["type"] != "field" for part in path):
        return f"{text!r}: a '!' stands for the first name of a path alone, which is always null", "write !(the.path)"
    first, *rest = [part["value"] for part in path]
    whole, steps = ".".join((first, *rest)), ".".join(rest)
    return f"'!{whole}' reads as (!{first}).{steps}, which is always null", f"write !({whole})"


def find_operator(error: JMESPathError) -> str:
    """What to write instead of arithmetic, if that is why jmespath does not read on; else ''."""
    if isinstance(error, LexerError):
        return _OPERATORS.get(str(error.lexer_value)[:1], "")
    return ""


def find_literal(root: str, text: str) -> str:
    """What to write instead of a name that looks to have been meant as a literal; else ''."""
    if json.dumps(root, ensure_ascii=False) in text:
        return f"text stands in single quotes: '{root}'"
    return f"literals stand in backticks: `{root}`" if root in _LITERALS else ""


def say_wrong_type(error: JMESPathTypeError) -> str:
    """Which function does not take what, and how to do without a null; the values themselves may be sensitive."""
    given = _JMESPATH_TYPES.get(error.actual_type, error.actual_type)
    said = f"{error.function_name}() does not take {given}"
    expected = " ".join(error.expected_types)
    default = next((text for name, text in _DEFAULTS.items() if name in expected), "")
    return f"{said}; use not_null(x, {default})" if given == "null" and default else said
