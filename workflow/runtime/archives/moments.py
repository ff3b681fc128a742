"""Moments as an old system wrote them. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal
from zoneinfo import ZoneInfo

from workflow.definition.archives.archive_map import ISO, MILLISECONDS, SECONDS, Times
from workflow.definition.values import UnfitValueError, Value, find_number

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECONDS = {SECONDS: 1_000_000, MILLISECONDS: 1_000}


class MomentError(ValueError):
    """A value is no moment; the message, which follows its name, says what it should be and quotes nothing."""


class Moments:
    """Reads moments in one format. Of an hour that comes twice when clocks go back, the first one is meant."""

    def __init__(self, times: Times) -> None:
        self._format = times.format
        self._zone: tzinfo | None = ZoneInfo(times.zone) if times.zone else None

    def read(self, value: Value) -> datetime:
        """The moment, in UTC; raises MomentError."""
        try:
            if self._format in _MICROSECONDS:
                return _since_epoch(value, _MICROSECONDS[self._format])
            moment = self._parsed(value)
            if moment.tzinfo is None:
                moment = moment.replace(tzinfo=self._get_zone())
            return moment.astimezone(UTC)
        except OverflowError:
            raise MomentError("is outside of the calendar") from None

    def _get_zone(self) -> tzinfo:
        if self._zone is None:
            raise MomentError("has no time zone; say which one it is in, such as times: {zone: Europe/Berlin}")
        return self._zone

    def _parsed(self, value: Value) -> datetime:
        expected = "in ISO 8601, such as 2026-01-31T12:00:00Z" if self._format == ISO else f"written as {self._format}"
        if not isinstance(value, str):
            raise MomentError(f"is no time {expected}")
        try:
            if self._format == ISO:
                return datetime.fromisoformat(value.strip())
            return datetime.strptime(value.strip(), self._format)
        except ValueError:
            raise MomentError(f"is no time {expected}; say in times how it is written") from None


def _since_epoch(value: Value, microseconds: int) -> datetime:
    number = _number(value)
    if number is None:
        raise MomentError("is no number of seconds or milliseconds since 1970")
    return _EPOCH + timedelta(microseconds=int(Decimal(number) * microseconds))


def _number(value: Value) -> int | Decimal | None:
    if isinstance(value, str):
        try:
            return find_number(value.strip(), "it")
        except UnfitValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return None
    return value


def moment_text(moment: datetime) -> str:
    """The moment as a field of type timestamp keeps it."""
    return moment.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"
