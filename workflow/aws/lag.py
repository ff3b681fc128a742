"""How long after they were written the records of a batch are through."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

MOST_RECORDS = 25
"""Of how many records of a batch it is told: all of one moment were under way for about as long."""


def delivery_lags(records: Sequence[Mapping[str, Any]], now: datetime, *, again_from: str = "") -> list[float]:
    """Milliseconds since the records were written, of MOST_RECORDS at most, spread over the batch; of those only that
    do not come again. DynamoDB says when in whole seconds, rounded down: each may be up to 999 too long.
    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_StreamRecord.html"""
    through = records[: _place(records, again_from)] if again_from else records
    step = -(-len(through) // MOST_RECORDS) or 1
    now_seconds = now.timestamp()
    lags = [_lag(record, now_seconds) for record in through[::step]]
    return [lag for lag in lags if lag is not None]


def _place(records: Sequence[Mapping[str, Any]], position: str) -> int:
    places = (i for i, record in enumerate(records) if _told(record).get("SequenceNumber") == position)
    return next(places, 0)


def _lag(record: Mapping[str, Any], now_seconds: float) -> float | None:
    written = _told(record).get("ApproximateCreationDateTime")
    if not isinstance(written, int | float) or not 0 < written < _LATEST:
        return None
    return max(0.0, round((now_seconds - written) * 1000))


def _told(record: Mapping[str, Any]) -> Mapping[str, Any]:
    told = record.get("dynamodb") if isinstance(record, Mapping) else None
    return told if isinstance(told, Mapping) else {}


_LATEST = 10**11
"""Seconds; the year 5138. What is above is no time, NaN neither."""
