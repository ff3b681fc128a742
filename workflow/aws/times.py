"""Moments as the table keeps them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from workflow.aws.attributes import Item

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def write_time(moment: datetime) -> dict[str, str]:
    """ISO 8601 in UTC with microseconds, so that text order is time order."""
    return {"S": moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")}


def read_time(item: Item, name: str) -> datetime:
    """The moment that `write_time` wrote."""
    return datetime.fromisoformat(item[name]["S"])


def write_milliseconds(moment: datetime) -> dict[str, str]:
    """Whole milliseconds since 1970, for comparing in a condition; never later than the moment itself."""
    return {"N": str((moment - _EPOCH) // timedelta(milliseconds=1))}
