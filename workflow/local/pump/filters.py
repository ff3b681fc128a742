"""The filter patterns of an event source mapping, as Lambda applies them to stream records. Pure."""

from __future__ import annotations

import json
import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from workflow.local.errors import PumpError

_ABSENT = object()
_COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


class Filter:
    """Says which records pass: those that match one of the patterns, or all where there is no pattern.

    Numbers of DynamoDB are strings on the wire, so `numeric` never matches one; that is so on AWS as well.
    Raises PumpError when made from a pattern that is not JSON or uses an operator Lambda does not have.
    """

    def __init__(self, patterns: Sequence[str]) -> None:
        self._patterns = [_parsed(pattern) for pattern in patterns]

    def passes(self, record: Mapping[str, Any]) -> bool:
        """Return whether the function should get this record, given in its wire form."""
        return not self._patterns or any(_matches(pattern, record) for pattern in self._patterns)


def _parsed(pattern: str) -> dict[str, Any]:
    try:
        parsed = json.loads(pattern)
    except ValueError:
        raise PumpError(f"filter pattern is not JSON: {pattern}") from None
    if not isinstance(parsed, dict):
        raise PumpError(f"filter pattern is not an object: {pattern}")
    _check(parsed)
    return parsed


def _check(pattern: Mapping[str, Any]) -> None:
    for name, wanted in pattern.items():
        if name == "$or" and isinstance(wanted, list):
            for branch in wanted:
                _check(branch)
        elif isinstance(wanted, dict):
            _check(wanted)
        elif isinstance(wanted, list):
            for rule in wanted:
                _check_rule(rule)
        else:
            raise PumpError(f"filter pattern: {name} must hold an object or a list, not {wanted!r}")


def _check_rule(rule: Any) -> None:
    if isinstance(rule, dict) and (len(rule) != 1 or next(iter(rule)) not in _OPERATORS):
        raise PumpError(f"filter pattern: {json.dumps(rule)} is none of {', '.join(_OPERATORS)}")


def _matches(pattern: Mapping[str, Any], value: Any) -> bool:
    fields = value if isinstance(value, Mapping) else {}
    for name, wanted in pattern.items():
        if name == "$or" and isinstance(wanted, list):
            matched = any(_matches(branch, fields) for branch in wanted)
        elif isinstance(wanted, dict):
            matched = _matches(wanted, fields.get(name, _ABSENT))
        else:
            matched = any(_holds(rule, fields.get(name, _ABSENT)) for rule in wanted)
        if not matched:
            return False
    return True


def _holds(rule: Any, value: Any) -> bool:
    if isinstance(rule, dict):
        name, argument = next(iter(rule.items()))
        if name == "exists":
            # Only a leaf exists, for Lambda: of an object it says that it does not.
            return bool(argument) == (value is not _ABSENT and not isinstance(value, Mapping))
        return any(_OPERATORS[name](argument, one) for one in _each(value))
    return any(_same(rule, one) for one in _each(value))


def _each(value: Any) -> Sequence[Any]:
    if value is _ABSENT:
        return ()
    return value if isinstance(value, list) else (value,)


def _same(wanted: Any, value: Any) -> bool:
    # 1 == True in Python, and is not in JSON.
    return isinstance(wanted, bool) == isinstance(value, bool) and bool(wanted == value)


def _prefix(argument: Any, value: Any) -> bool:
    return isinstance(value, str) and value.startswith(argument)


def _suffix(argument: Any, value: Any) -> bool:
    return isinstance(value, str) and value.endswith(argument)


def _equals_ignore_case(argument: Any, value: Any) -> bool:
    return isinstance(value, str) and value.casefold() == argument.casefold()


def _anything_but(argument: Any, value: Any) -> bool:
    if isinstance(argument, dict):
        return not _holds(argument, value)
    refused = argument if isinstance(argument, list) else [argument]
    return not any(_same(one, value) for one in refused)


def _numeric(argument: Sequence[Any], value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    pairs = zip(argument[::2], argument[1::2], strict=True)
    return all(_COMPARISONS[comparison](value, bound) for comparison, bound in pairs)


def _exists(argument: Any, value: Any) -> bool:
    raise AssertionError("answered where an absent value can be seen")


_OPERATORS: Mapping[str, Callable[[Any, Any], bool]] = {
    "prefix": _prefix,
    "suffix": _suffix,
    "equals-ignore-case": _equals_ignore_case,
    "anything-but": _anything_but,
    "numeric": _numeric,
    "exists": _exists,
}
