"""JMESPath over `payload`, `data` and `entity`: what guards and mappings are written in. It cannot run code."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import jmespath
from jmespath import functions, visitor
from jmespath.exceptions import JMESPathError, JMESPathTypeError

from workflow.definition.values import Value, canonical

ROOTS = ("payload", "data", "entity")
"""The names an expression may start from; `entity` has kind, id, state and version."""


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


class Expression:
    """A compiled expression; evaluating it is pure and safe from several threads."""

    __slots__ = ("_interpreter", "_parsed", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        try:
            compiled = jmespath.compile(text)
        except JMESPathError as error:
            reason = str(error).splitlines()[0]
            raise ExpressionError(f"{text!r} is not JMESPath: {reason}") from None
        unknown = _functions(compiled.parsed) - set(_Functions.FUNCTION_TABLE)
        if unknown:
            raise ExpressionError(f"{text!r}: JMESPath has no function {', '.join(sorted(unknown))}")
        self._parsed: dict[str, Any] = _exact(compiled.parsed)
        # One interpreter kept for all evaluations: jmespath's own `search` builds one each time, half of its cost.
        self._interpreter = visitor.TreeInterpreter(jmespath.Options(custom_functions=_Functions()))

    def evaluate(self, context: dict[str, Any]) -> Value:
        """The canonical value for these values; raises ExpressionError where a function does not take them."""
        return canonical(self._run(context), self.text)

    def holds(self, context: dict[str, Any]) -> bool:
        """Whether the result is true in JMESPath's sense: false, null and empty text, lists and maps are not."""
        result = self._run(context)
        return not (result is None or result is False or result == "" or result == [] or result == {})

    def _run(self, context: dict[str, Any]) -> Any:
        try:
            return self._interpreter.visit(self._parsed, context)
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
        return frozenset(_paths(self._parsed))


def _paths(node: dict[str, Any]) -> set[tuple[str, ...]]:
    """Names to the right of a dot, a pipe or a projection start from what is on the left, not from the root."""
    kind, children = node["type"], node["children"]
    if kind == "field":
        return {(node["value"],)}
    if kind == "subexpression":
        return _joined(children)
    if kind in {"pipe", "projection", "value_projection", "filter_projection", "index_expression"}:
        return _paths(children[0])
    found: set[tuple[str, ...]] = set()
    for child in children:
        if isinstance(child, dict):
            found |= _paths(child)
    return found


def _joined(children: list[dict[str, Any]]) -> set[tuple[str, ...]]:
    left, right = _paths(children[0]), children[1]
    if right["type"] == "field":
        return {(*path, right["value"])[:2] for path in left}
    return left


def _functions(node: dict[str, Any]) -> set[str]:
    own = {node["value"]} if node["type"] == "function_expression" else set()
    return own.union(*(_functions(child) for child in node["children"] if isinstance(child, dict)))


def _exact(node: Any) -> Any:
    """The same tree with every fraction written in it as a Decimal: 0.1 must equal the 0.1 that DynamoDB keeps."""
    if isinstance(node, float):
        return Decimal(repr(node))
    if isinstance(node, dict):
        return {key: _exact(value) for key, value in node.items()}
    if isinstance(node, list):
        return [_exact(value) for value in node]
    return node
