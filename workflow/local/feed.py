"""Deliveries as lines a person can follow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from workflow.local.pump import Delivery

_NOWHERE = "(new)"


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
    kind, _, identifier = _text(change["Keys"], "pk").partition("#")
    if not new:
        return f"{kind} {identifier}  removed"
    before, after = _text(old, "state") or _NOWHERE, _text(new, "state")
    trigger = _text(new, "trigger")
    return f"{kind} {identifier}  {before} -> {after}  {trigger}  v{_text(new, 'version')}".replace("    ", "  ")


def _text(image: Mapping[str, Any], name: str) -> str:
    value = image.get(name, {})
    return str(value.get("S", value.get("N", "")))
