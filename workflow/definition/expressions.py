"""JMESPath over `payload`, `data` and `entity`: what guards and mappings are written in. It cannot run code."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from decimal import Decimal
from typing import Any, TypeAlias

import jmespath
from jmespath import functions, visitor
from jmespath.exceptions import JMESPathError, JMESPathTypeError

from workflow.definition.values import Value, canonical

ROOTS = ("payload", "data", "entity")
"""The names an expression may start from; `entity` has kind, id, state and version."""

MAX_CHARACTERS = 1000
MAX_NESTING = 100


class ExpressionError(ValueError):
    """An expression that cannot be compiled, or failed on the values it was given."""


class _Functions(functions.Functions):  # type: ignore[misc]
    """JMESPath's own functions, which would otherwise not take a Decimal for a number."""

    def _get_allowed_pytypes(self, types: list[str]) -> tuple[list[str], list[tuple[str, ...]]]:
        allowed, element_types = super()._get_allowed_pytypes(types)
        return _with_decimal(allowed), [tuple(_with_decimal(names)) for names in element_types]

    def _convert_to_jmespath_type(self, type_name: str) -> Any:
        return "number" if type_name == "Decimal" else super()._convert_to_jmespath_type(type_name)


def _with_decimal(type_names: Iterable[str]) -> list[str]:
    names = list(type_names)
    return [*names, "Decimal"] if "float" in names else names


class _Interpreter(visitor.TreeInterpreter):  # type: ignore[misc]
    """jmespath's own, which also knows `data.total` as one step instead of three: half of a guard's cost."""

    def visit_plain_path(self, node: dict[str, Any], value: Any) -> Any:
        for name in node["names"]:
            if not isinstance(value, dict):
                return None
            value = value.get(name)
        return value


def _with_plain_paths(node: Any) -> Any:
    if not isinstance(node, dict):
        return node
    children = [_with_plain_paths(child) for child in node["children"]]
    if node["type"] == "subexpression" and all(child["type"] == "field" for child in children):
        return {"type": "plain_path", "names": [child["value"] for child in children], "children": []}
    return {**node, "children": children}


class Expression:
    """A compiled expression; evaluating it is pure and safe from several threads."""

    __slots__ = ("_interpreter", "_parsed", "_walked", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self._parsed: dict[str, Any] = _exact(_compile(text))
        self._walked = _with_plain_paths(self._parsed)
        # One interpreter kept for all evaluations: jmespath's own `search` builds one each time, half of its cost.
        self._interpreter = _Interpreter(jmespath.Options(custom_functions=_Functions()))

    def evaluate(self, context: dict[str, Any]) -> Value:
        """The canonical value for these values; raises ExpressionError where a function does not take them."""
        return canonical(self._run(context), self.text)

    def holds(self, context: dict[str, Any]) -> bool:
        """Whether the result is true in JMESPath's sense: false, null and empty text, lists and maps are not."""
        result = self._run(context)
        return not (result is None or result is False or result == "" or result == [] or result == {})

    def _run(self, context: dict[str, Any]) -> Any:
        try:
            return self._interpreter.visit(self._walked, context)
        except JMESPathTypeError as error:
            # jmespath's own message quotes the value, which may be sensitive.
            name, given = error.function_name, error.actual_type
            raise ExpressionError(f"{self.text!r}: {name}() does not take {given}") from None
        except (JMESPathError, TypeError, ArithmeticError, ValueError) as error:
            raise ExpressionError(f"{self.text!r}: {type(error).__name__}") from None

    def roots(self) -> frozenset[str]:
        """The names the expression starts from, such as `payload`."""
        return frozenset(path[0] for path in self.paths())

    def paths(self) -> frozenset[tuple[str, ...]]:
        """Every dotted name from the root, at most two deep: `data.total + 1` gives ('data', 'total')."""
        return _trace(self._parsed, frozenset({()}))[0]


def _compile(text: str) -> dict[str, Any]:
    if len(text) > MAX_CHARACTERS:
        raise ExpressionError(f"{text[:20] + '...'!r} is longer than {MAX_CHARACTERS} characters")
    try:
        with warnings.catch_warnings():
            # `dhl` in backticks is what AWS's own pages show; jmespath has been about to deprecate it for ten years.
            warnings.simplefilter("ignore", PendingDeprecationWarning)
            parsed: dict[str, Any] = jmespath.compile(text).parsed
    except JMESPathError as error:
        reason = str(error).splitlines()[0].rstrip(":")
        raise ExpressionError(f"{text!r} is not JMESPath: {reason}") from None
    except (RecursionError, ValueError):
        # jmespath lets these out for brackets without end and numbers without measure.
        raise ExpressionError(f"{text[:20] + '...'!r} is not JMESPath that can be read") from None
    _check_calls(parsed, text, 0)
    return parsed


def _check_calls(node: dict[str, Any], text: str, depth: int) -> None:
    if depth > MAX_NESTING:
        raise ExpressionError(f"{text[:20] + '...'!r} is nested deeper than {MAX_NESTING} levels")
    children = [child for child in node["children"] if isinstance(child, dict)]
    if node["type"] == "function_expression":
        _check_call(node["value"], len(children), text)
    for child in children:
        _check_calls(child, text, depth + 1)


def _check_call(name: str, given: int, text: str) -> None:
    if name not in _Functions.FUNCTION_TABLE:
        raise ExpressionError(f"{text!r}: JMESPath has no function {name}")
    signature = _Functions.FUNCTION_TABLE[name]["signature"]
    least, variadic = len(signature), bool(signature) and signature[-1].get("variadic", False)
    if given < least or (given > least and not variadic):
        raise ExpressionError(f"{text!r}: {name}() takes {least} arguments, not {given}")


_Paths: TypeAlias = frozenset[tuple[str, ...]]
_NONE: _Paths = frozenset()
_ELEMENTWISE = frozenset({"index_expression", "projection", "value_projection", "filter_projection", "flatten"})


def _trace(node: dict[str, Any], base: _Paths) -> tuple[_Paths, _Paths]:
    """The paths read from the root, and those that the result stands at, where names start from `base`.

    What a function, a list or a filter gives stands nowhere: names to its right say nothing about the root.
    """
    kind, children = node["type"], [child for child in node["children"] if isinstance(child, dict)]
    if kind == "field":
        found = frozenset((*path, node["value"])[:2] for path in base)
        return found, found
    if kind in {"current", "identity"}:
        return _NONE, base
    if kind in {"subexpression", "pipe"}:
        return _trace_in_turn(children, base)
    if kind in _ELEMENTWISE:
        return _trace(children[0], base)[0], _NONE
    if kind == "expref":
        return _NONE, _NONE
    traced = [_trace(child, base) for child in children]
    read = _NONE.union(*(paths for paths, _ in traced))
    stands = _NONE.union(*(at for _, at in traced)) if kind in {"or_expression", "and_expression"} else _NONE
    return read, stands


def _trace_in_turn(children: list[dict[str, Any]], base: _Paths) -> tuple[_Paths, _Paths]:
    at, seen = base, _NONE
    for child in children:
        read, next_at = _trace(child, at)
        seen = (seen - at if read else seen) | read
        at = next_at
    return seen, at


def _exact(node: Any) -> Any:
    """The same tree with every fraction written in it as a Decimal: 0.1 must equal the 0.1 that DynamoDB keeps."""
    if isinstance(node, float):
        return Decimal(repr(node))
    if isinstance(node, dict):
        return {key: _exact(value) for key, value in node.items()}
    if isinstance(node, list):
        return [_exact(value) for value in node]
    return node
