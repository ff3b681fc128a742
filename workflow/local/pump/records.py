"""A stream record on its way to the function."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Delivered:
    """One stream record: its wire form, that form's JSON text, and what the rules of delivery ask of it."""

    sequence_number: str
    key: str
    arrived_at: float
    record: dict[str, Any]
    text: str

    @property
    def size_bytes(self) -> int:
        """Its text, and the comma behind it; the text is ASCII."""
        return len(self.text) + 1


def pack(record: dict[str, Any]) -> Delivered:
    """Make a wire record ready for delivery."""
    change = record["dynamodb"]
    return Delivered(
        sequence_number=change["SequenceNumber"],
        key=json.dumps(change["Keys"], sort_keys=True),
        arrived_at=float(change["ApproximateCreationDateTime"]),
        record=record,
        text=json.dumps(record, separators=(",", ":")),
    )


def payload_of(records: Iterable[Delivered]) -> str:
    """Return the JSON of the invocation's event with these records."""
    return '{"Records":[' + ",".join(record.text for record in records) + "]}"
