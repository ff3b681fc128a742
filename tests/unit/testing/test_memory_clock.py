"""The clock that a test owns."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from workflow.testing import MemoryClock


def test_time_stands_still_until_somebody_sleeps_or_the_test_moves_it() -> None:
    clock = MemoryClock()
    began = clock.now()
    assert clock.now() == began
    assert began.tzinfo is UTC
    clock.sleep(1.5)
    clock.advance(3600)
    assert clock.now() - began == timedelta(seconds=3601.5)
    assert clock.slept == [1.5]


def test_a_test_says_when_it_begins_and_how_retries_are_spread() -> None:
    clock = MemoryClock(datetime(2030, 1, 1, tzinfo=UTC), jitter=0.25)
    assert (clock.now(), clock.jitter()) == (datetime(2030, 1, 1, tzinfo=UTC), 0.25)
    assert MemoryClock().jitter() == 1.0


def test_a_beginning_without_a_time_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="needs a time zone"):
        MemoryClock(datetime(2030, 1, 1))


def test_ids_are_counted() -> None:
    clock = MemoryClock()
    assert [clock.new_id(), clock.new_id()] == ["id-1", "id-2"]
    assert MemoryClock().new_id() == "id-1"
