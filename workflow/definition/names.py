"""Which names a parsed JMESPath expression reads, and where they start from."""

from __future__ import annotations

from typing import Any, TypeAlias

Paths: TypeAlias = frozenset[tuple[str, ...]]
_NONE: Paths = frozenset()
_ELEMENTWISE = frozenset({"index_expression", "projection", "value_projection", "filter_projection", "flatten"})


def paths(node: dict[str, Any]) -> Paths:
    """Every dotted name from the root, at most two deep: `data.total + 1` gives ('data', 'total')."""
    return _trace(node, frozenset({()}))[0]


def element_names(node: dict[str, Any]) -> frozenset[str]:
    """The names that start from an element, in a filter or after `&`; not those of `@.name`, which say so."""
    return _trace_elements(node, False)


def _trace(node: dict[str, Any], base: Paths) -> tuple[Paths, Paths]:
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


def _trace_in_turn(children: list[dict[str, Any]], base: Paths) -> tuple[Paths, Paths]:
    at, seen = base, _NONE
    for child in children:
        read, next_at = _trace(child, at)
        seen = (seen - at if read else seen) | read
        at = next_at
    return seen, at


def _trace_elements(node: dict[str, Any], inside: bool) -> frozenset[str]:
    """The first names in filters and after `&`; `inside` tells whether this node is in one already."""
    kind, children = node["type"], [child for child in node["children"] if isinstance(child, dict)]
    if kind == "field":
        return frozenset({node["value"]} if inside else ())
    starts = [inside] * len(children)
    if kind in _ELEMENTWISE | {"subexpression", "pipe"}:
        starts[1:] = [False] * (len(children) - 1)
    if kind in {"filter_projection", "expref"}:
        starts[-1] = True
    found = [_trace_elements(child, start) for child, start in zip(children, starts, strict=True)]
    return frozenset().union(*found)
