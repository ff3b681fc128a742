"""A YAML file as plain data, with the place of every key and value in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from workflow.definition.values import Value
from workflow.errors import Problem

PathTuple: TypeAlias = tuple[str | int, ...]
"""Where something stands in the data: keys of maps and indexes of lists, from the root."""


@dataclass(frozen=True, slots=True, order=True)
class Mark:
    """A place in a file: 1-based line and column, in characters."""

    line: int
    column: int


@dataclass(slots=True)
class Document:
    """The plain data of a file; it may be relied on only where `usable` is true."""

    file: str
    data: Value = None
    keys: dict[PathTuple, Mark] = field(default_factory=dict)
    values: dict[PathTuple, Mark] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    usable: bool = True
    renamed: dict[PathTuple, str] = field(default_factory=dict)
    """The key as written, for each path whose last key is read as another one."""

    def locate(self, path: Sequence[str | int], *, at_key: bool = False) -> Mark:
        """The place of what is at `path`, or of the nearest thing above it that exists.

        Parts that the data does not have are passed over, so that the path of the full form also finds the short
        one: `requires: [amount]` is where ('requires', 'amount', 'type') stands.
        """
        node = self.data
        written: PathTuple = ()
        read: PathTuple = ()
        for part in path:
            step = self._step(node, part, (*read, part))
            if step is not None:
                node, written, read = node[step], (*written, step), (*read, part)
        value = self.values.get(written, Mark(1, 1))
        return self.keys.get(written, value) if at_key else value

    def _step(self, node: Value, part: str | int, read: PathTuple) -> str | int | None:
        if isinstance(node, dict):
            written = self.renamed.get(read, part)
            return written if written in node else None
        if isinstance(node, list) and isinstance(part, int):
            return part if part < len(node) else None
        if isinstance(node, list) and part in node:
            return node.index(part)
        return None
