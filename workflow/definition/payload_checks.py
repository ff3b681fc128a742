"""Payload fields that an expression names, and that look like a slip for one that the transition knows."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from difflib import get_close_matches

from workflow.definition.document import PathTuple
from workflow.definition.expressions import Expression, ExpressionError
from workflow.definition.field_checks import expressions_of
from workflow.definition.findings import Finding
from workflow.definition.model import DefinitionModel, TransitionModel

# A payload may hold more than is required, so that only what is near enough to be a slip is one: `amuont`, and neither
# `min_amount` beside `max_amount` nor, below, `refund` beside `refunded` or `line2` beside `line1`.
_NEAR = 0.82


def misspelt_payload_fields(model: DefinitionModel) -> Iterator[Finding]:
    """`payload.amuont`, where the transition knows `amount` and nothing declares `amuont`."""
    known = _known_by_trigger(model)
    for path, trigger, transition in model.each_transition():
        for where, text in expressions_of(path, transition):
            for name in sorted(_payload_names(text) - known[trigger] - model.data.keys()):
                yield from _misspelt(where, name, known[trigger])


def _known_by_trigger(model: DefinitionModel) -> Mapping[str, set[str]]:
    """What the payload of a trigger is known to hold: the ways that it opens are tried with the same payload."""
    known: dict[str, set[str]] = {}
    for _, trigger, transition in model.each_transition():
        known.setdefault(trigger, set()).update(_known(transition))
    return known


def _known(transition: TransitionModel) -> Iterator[str]:
    yield from transition.requires
    yield from transition.sets


def _payload_names(text: str) -> set[str]:
    try:
        paths = Expression(text).paths()
    except ExpressionError:
        return set()
    return {path[1] for path in paths if path[0] == "payload" and len(path) > 1}


def _misspelt(where: PathTuple, name: str, known: Collection[str]) -> Iterator[Finding]:
    near = get_close_matches(name[:100], sorted(known), 3, _NEAR)
    meant = next((other for other in near if not _names_something_else(name, other)), None)
    if meant:
        message = f"the expression names payload.{name[:60]}, which nothing here declares"
        yield Finding(where, message, f"did you mean payload.{meant}? If not, name {name[:60]} in requires")


def _names_something_else(name: str, other: str) -> bool:
    """`refund` and `refunded`, `line1` and `line2`: near, and no slip."""
    numbered = name.rstrip("0123456789") == other.rstrip("0123456789")
    return numbered or name.startswith(other) or other.startswith(name)
