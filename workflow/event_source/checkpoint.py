"""AWS's rules for the answer of a function that reports batch item failures. Pure: no clock, no I/O."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def checkpoint(sequence_numbers: Sequence[str], response: Any) -> int:
    """Return how many records of the batch, from its first, are done; all after them come again.

    `response` is what the function returned. Done is the whole batch for `None`, `{}`, and a missing, null or empty
    `batchItemFailures`; none of it if an identifier is missing, null, "" or not of this batch, or if the shape is
    not the documented one; otherwise what stands before the lowest sequence number named. Chosen, where AWS is silent:
    other shapes, and numbers of no record here, are failures, and an object with other keys only is an empty response.
    https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html
    """
    if response is None:
        return len(sequence_numbers)
    if not isinstance(response, dict):
        return 0
    failures = response.get("batchItemFailures")
    if failures is None:
        return len(sequence_numbers)
    if not isinstance(failures, list):
        return 0
    positions = {number: position for position, number in enumerate(sequence_numbers)}
    # -1: one identifier that cannot be placed makes every other one meaningless.
    lowest = min((_position(failure, positions) for failure in failures), default=len(sequence_numbers))
    return max(lowest, 0)


def _position(failure: Any, positions: dict[str, int]) -> int:
    identifier = failure.get("itemIdentifier") if isinstance(failure, dict) else None
    return positions.get(identifier, -1) if isinstance(identifier, str) else -1
