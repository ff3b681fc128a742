"""The JSON a function receives for a stream record, made from what boto3 parsed. Pure."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import datetime
from typing import Any


def to_wire(record: Mapping[str, Any], stream_arn: str) -> dict[str, Any]:
    """Return the record as Lambda sends it: binary as base64, times as numbers, the stream named."""
    change = dict(record["dynamodb"])
    for image in ("Keys", "NewImage", "OldImage"):
        if image in change:
            change[image] = {name: _attribute(value) for name, value in change[image].items()}
    created = change.get("ApproximateCreationDateTime")
    if isinstance(created, datetime):
        seconds = created.timestamp()
        change["ApproximateCreationDateTime"] = int(seconds) if seconds.is_integer() else seconds
    wire = {**record, "dynamodb": change, "eventSourceARN": stream_arn}
    if identity := record.get("userIdentity"):
        wire["userIdentity"] = {name[0].lower() + name[1:]: value for name, value in identity.items()}
    return wire


def _attribute(value: Mapping[str, Any]) -> dict[str, Any]:
    return {tag: _content(tag, content) for tag, content in value.items()}


def _content(tag: str, content: Any) -> Any:
    if tag == "B":
        return base64.b64encode(content).decode("ascii")
    if tag == "BS":
        return [base64.b64encode(one).decode("ascii") for one in content]
    if tag == "M":
        return {name: _attribute(value) for name, value in content.items()}
    if tag == "L":
        return [_attribute(value) for value in content]
    return content
