"""One JSON document for machines: numbers exact, times in ISO 8601, in ASCII so that any pipe carries it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, TypeAlias

Json: TypeAlias = Any
"""None, bool, int, Decimal, str, datetime, or lists and string-keyed maps of these."""


def to_json(value: Json, *, indent: int | None = None, ascii_only: bool = True) -> str:
    """The value as JSON text; a Decimal keeps every digit, which the library's writer cannot do."""
    return _Writer(indent, ascii_only).text(value, 0)


class _Writer:
    def __init__(self, indent: int | None, ascii_only: bool) -> None:
        self._indent, self._ascii_only = indent, ascii_only

    def text(self, value: Json, depth: int) -> str:
        if isinstance(value, Decimal):
            return str(value)
        if isinstance(value, datetime):
            return f'"{write_time(value)}"'
        if isinstance(value, Mapping):
            items = [f"{self._scalar(str(name))}: {self.text(item, depth + 1)}" for name, item in value.items()]
            return self._bracketed("{", items, "}", depth)
        if isinstance(value, list | tuple):
            return self._bracketed("[", [self.text(item, depth + 1) for item in value], "]", depth)
        return self._scalar(value)

    def _scalar(self, value: Json) -> str:
        return json.dumps(value, ensure_ascii=self._ascii_only)

    def _bracketed(self, left: str, items: list[str], right: str, depth: int) -> str:
        if not items or self._indent is None:
            return left + ", ".join(items) + right
        inner, outer = ("\n" + " " * self._indent * level for level in (depth + 1, depth))
        return left + inner + f",{inner}".join(items) + outer + right


def write_time(moment: datetime) -> str:
    """The time in UTC, as `2026-01-31T12:00:00Z`, with fractions of a second where there are any."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
