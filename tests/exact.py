"""Comparing values with their types."""

from __future__ import annotations

from collections.abc import Mapping


def exact(value: object) -> object:
    """The value with its types, so that True is not 1 and 1 is not Decimal(1); maps have no order in a table."""
    if isinstance(value, Mapping):
        return {name: exact(item) for name, item in value.items()}
    return [exact(item) for item in value] if isinstance(value, list) else (type(value), repr(value))
