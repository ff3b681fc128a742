"""JMESPath's functions on exact numbers, where jmespath's own know ints and floats alone."""

from __future__ import annotations

import json
from collections.abc import Iterable
from decimal import Context, Decimal, InvalidOperation, Overflow
from functools import reduce
from typing import Any

from jmespath.functions import Functions, signature

from workflow.definition.values import EXACT, Value, canonical, find_number

# A quotient may have no end, so that a mean is rounded, to as many digits as can be stored.
_ROUNDED = Context(prec=EXACT.prec, Emin=EXACT.Emin, Emax=EXACT.Emax, traps=[Overflow, InvalidOperation])


class ExactFunctions(Functions):  # type: ignore[misc]
    """Every function of JMESPath; where a number would not be exact they raise an ArithmeticError, but for avg."""

    @signature({"types": ["number"]})  # type: ignore[untyped-decorator]
    def _func_abs(self, number: Decimal | int) -> Value:
        return abs(number) if isinstance(number, int) else number.copy_abs()

    @signature({"types": ["array-number"]})  # type: ignore[untyped-decorator]
    def _func_sum(self, numbers: list[Decimal | int]) -> Value:
        return reduce(EXACT.add, numbers, Decimal(0))

    @signature({"types": ["array-number"]})  # type: ignore[untyped-decorator]
    def _func_avg(self, numbers: list[Decimal | int]) -> Value:
        return _ROUNDED.divide(self._func_sum(numbers), len(numbers)) if numbers else None

    @signature({"types": []})  # type: ignore[untyped-decorator]
    def _func_to_number(self, value: Value) -> Value:
        if isinstance(value, str):
            return find_number(value, "the number")
        return value if type(value) in (int, Decimal) else None

    @signature({"types": []})  # type: ignore[untyped-decorator]
    def _func_to_string(self, value: Value) -> Value:
        return value if isinstance(value, str) else _as_json(value)

    @signature({"types": []})  # type: ignore[untyped-decorator]
    def _func_type(self, value: Value) -> Value:
        return "number" if isinstance(value, Decimal) else super()._func_type(value)

    def _get_allowed_pytypes(self, types: list[str]) -> tuple[list[str], list[tuple[str, ...]]]:
        allowed, element_types = super()._get_allowed_pytypes(types)
        return _with_decimal(allowed), [tuple(_with_decimal(names)) for names in element_types]

    def _convert_to_jmespath_type(self, type_name: str) -> Any:
        return "number" if type_name == "Decimal" else super()._convert_to_jmespath_type(type_name)


def _with_decimal(type_names: Iterable[str]) -> list[str]:
    names = list(type_names)
    return [*names, "Decimal"] if "float" in names else names


def _as_json(value: Value) -> str:
    """JSON without blanks; the standard library's writer has no way to write a Decimal as a number."""
    if isinstance(value, Decimal):
        return str(canonical(value, "the number"))
    if isinstance(value, list):
        return f"[{','.join(map(_as_json, value))}]"
    if isinstance(value, dict):
        return f"{{{','.join(f'{json.dumps(name)}:{_as_json(item)}' for name, item in value.items())}}}"
    return json.dumps(value)
