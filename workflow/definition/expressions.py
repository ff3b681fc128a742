"""JMESPath over `payload`, `data` and `entity`: what guards and mappings are written in. It cannot run code."""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from math import isfinite
from typing import Any, NoReturn, TypeAlias

import jmespath
from jmespath import lexer, visitor
from jmespath.exceptions import JMESPathError, JMESPathTypeError

from workflow.definition import names, slips
from workflow.definition.functions import ExactFunctions
from workflow.definition.values import UnstorableValueError, Value, canonical

Seen: TypeAlias = dict[str, Any]
"""What an expression sees: `payload`, `data` and `entity`, each a map."""

ROOTS = ("payload", "data", "entity")
"""The names an expression may start from; `entity` has kind, id, state and version."""

MAX_CHARACTERS = 1000
MAX_NESTING = 100


class ExpressionError(ValueError):
    """An expression that cannot be compiled, or failed on the values it was given; `way_out` where one is known."""

    def __init__(self, message: str, way_out: str = "") -> None:
        self.way_out = way_out
        super().__init__(message)


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
        self._interpreter = _Interpreter(jmespath.Options(custom_functions=ExactFunctions()))

    def evaluate(self, seen: Seen) -> Value:
        """The canonical value for what it sees; raises ExpressionError, or UnfitValueError for what no field takes."""
        try:
            return canonical(self._run(seen), self.text)
        except UnstorableValueError as error:
            raise error.without_path_below(self.text) from None

    def holds(self, seen: Seen) -> bool:
        """Whether the result is true in JMESPath's sense: false, null and empty text, lists and maps are not."""
        result = self._run(seen)
        return not (result is None or result is False or result == "" or result == [] or result == {})

    def _run(self, seen: Seen) -> Any:
        # What jmespath says itself quotes the values, which may be sensitive.
        try:
            return self._interpreter.visit(self._walked, seen)
        except JMESPathTypeError as error:
            raise ExpressionError(f"{self.text!r}: {slips.say_wrong_type(error)}") from None
        except (ArithmeticError, UnstorableValueError):
            raise ExpressionError(f"{self.text!r}: a number in it would not be exact in 38 digits") from None
        except TypeError:
            # Functions look at what they are given; < and > compare numbers and texts, but not each with the other.
            raise ExpressionError(f"{self.text!r}: a number is compared with text, or sought in it") from None
        except (JMESPathError, ValueError) as error:
            raise ExpressionError(f"{self.text!r}: {type(error).__name__}") from None

    def roots(self) -> frozenset[str]:
        """The names the expression starts from, such as `payload`."""
        return frozenset(path[0] for path in self.paths())

    def paths(self) -> frozenset[tuple[str, ...]]:
        """Every dotted name from the root, at most two deep: `data.total + 1` gives ('data', 'total')."""
        return names.paths(self._parsed)

    def element_names(self) -> frozenset[str]:
        """The names that start from an element, in a filter or after `&`; not those of `@.name`, which say so."""
        return names.element_names(self._parsed)


def _compile(text: str) -> dict[str, Any]:
    if len(text) > MAX_CHARACTERS:
        raise ExpressionError(f"{text[:20] + '...'!r} is longer than {MAX_CHARACTERS} characters")
    try:
        with _bare_text_in_backticks():
            parsed: dict[str, Any] = jmespath.compile(text).parsed
    except JMESPathError as error:
        reason = str(error).splitlines()[0].rstrip(":")
        raise ExpressionError(f"{text!r} is not JMESPath: {reason}", slips.find_operator(error)) from None
    except (RecursionError, ValueError):
        # jmespath lets these out for brackets without end and numbers without measure.
        raise ExpressionError(f"{text[:20] + '...'!r} is not JMESPath that can be read") from None
    _check_calls(parsed, text, 0)
    _check_numbers(text)
    return parsed


@contextmanager
def _bare_text_in_backticks() -> Iterator[None]:
    """`dhl` in backticks is what AWS's own pages show; jmespath has been about to deprecate it for ten years."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PendingDeprecationWarning)
        yield


def _check_calls(node: dict[str, Any], text: str, depth: int) -> None:
    if depth > MAX_NESTING:
        raise ExpressionError(f"{text[:20] + '...'!r} is nested deeper than {MAX_NESTING} levels")
    children = [child for child in node["children"] if isinstance(child, dict)]
    if node["type"] == "function_expression":
        _check_call(node["value"], len(children), text)
    lost_not = slips.find_lost_not(node, text)
    if lost_not:
        raise ExpressionError(*lost_not)
    for child in children:
        _check_calls(child, text, depth + 1)


def _check_call(name: str, given: int, text: str) -> None:
    if name not in ExactFunctions.FUNCTION_TABLE:
        raise ExpressionError(f"{text!r}: JMESPath has no function {name}")
    signature = ExactFunctions.FUNCTION_TABLE[name]["signature"]
    least, variadic = len(signature), bool(signature) and signature[-1].get("variadic", False)
    if given < least or (given > least and not variadic):
        raise ExpressionError(f"{text!r}: {name}() takes {least} arguments, not {given}")


_LITERAL = re.compile(r"`((?:[^`\\]|\\.)*)`", re.DOTALL)


def _check_numbers(text: str) -> None:
    """Refuses numbers that jmespath, which reads them as floats, has read as others."""
    if "`" not in text:
        return
    with _bare_text_in_backticks():
        tokens = list(lexer.Lexer().tokenize(text))
    for token in tokens:
        literal = _LITERAL.match(text, token["start"]) if token["type"] == "literal" else None
        if literal:
            _check_numbers_in(literal[1].replace("\\`", "`"), text)


def _check_numbers_in(literal: str, text: str) -> None:
    def check(number: str) -> None:
        if not isfinite(float(number)) or Decimal(number) != Decimal(repr(float(number))):
            refuse(number)

    def refuse(number: str) -> NoReturn:
        raise ExpressionError(f"{text!r}: backticks do not take {number} exactly, as to_number('...') does")

    try:
        json.loads(literal, parse_float=check, parse_constant=refuse)
    except json.JSONDecodeError:
        return


def _exact(node: Any) -> Any:
    """The same tree with every fraction written in it as a Decimal: 0.1 must equal the 0.1 that DynamoDB keeps."""
    if isinstance(node, float):
        return Decimal(repr(node))
    if isinstance(node, dict):
        return {key: _exact(value) for key, value in node.items()}
    if isinstance(node, list):
        return [_exact(value) for value in node]
    return node
