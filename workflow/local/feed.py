"""Deliveries as lines a person can follow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from workflow.aws.items import split_edge, split_partition
from workflow.local.pump import Delivery

_NOWHERE = "(new)"
_UNDECLARED = "(changed by hand, without an event)"


def lines_of(delivery: Delivery) -> Iterator[str]:
    """Yield one line for each record of the batch, then what the function logged, then why it comes again."""
    for record in delivery.records:
        yield _line_of(record)
    for line in delivery.log.splitlines():
        yield f"    | {line}"
    if delivery.failure:
        again = len(delivery.records) - delivery.acknowledged
        yield f"    ! {delivery.failure} ({again} come again)"


def _line_of(record: Mapping[str, Any]) -> str:
    change = record["dynamodb"]
    old, new = change.get("OldImage", {}), change.get("NewImage", {})
    kind, entity_id = split_partition(_text(change["Keys"], "pk"))
    if not new:
        return f"{kind} {entity_id}  removed"
    before, after = _text(old, "state") or _NOWHERE, _text(new, "state")
    return f"{kind} {entity_id}  v{_text(new, 'version')}  {before} -> {after}  {_trigger(old, new)}"


def _trigger(old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    if _text(old, "event") == _text(new, "event"):
        return _UNDECLARED
    try:
        return split_edge(_text(new, "edge"))[2]
    except ValueError:
        return _UNDECLARED


def _text(image: Mapping[str, Any], name: str) -> str:
    value = image.get(name, {})
    return str(value.get("S", value.get("N", "")))
