"""How long after they were written the records of a batch are through."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from workflow.aws.metrics import MOST_VALUES


def delivery_lags(records: Sequence[Mapping[str, Any]], now: datetime, *, again_from: str = "") -> list[float]:
    """Milliseconds since the records were written, of so many as a metric keeps, spread over the batch; of those only
    that do not come again. DynamoDB says when in whole seconds, rounded down: each may be up to 999 too long.
    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_StreamRecord.html"""
    through = records[: _place(records, again_from)] if again_from else records
    step = -(-len(through) // MOST_VALUES) or 1
    lags = (_lag(record, now.timestamp()) for record in through[::step])
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
