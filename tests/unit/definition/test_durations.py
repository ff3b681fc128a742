"""Durations are read in both notations and written in the short one."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflow.definition.durations import LONGEST_SECONDS, seconds, whole_seconds, written


@pytest.mark.parametrize(
    ("text", "expected_seconds"),
    [
        ("2s", 2),
        ("0.5s", Decimal("0.5")),
        ("30m", 1800),
        ("1h30m", 5400),
        ("1d", 86_400),
        ("PT30M", 1800),
        ("P1DT2H", 93_600),
        ("P1W", 604_800),
        ("PT0.5S", Decimal("0.5")),
    ],
)
def test_a_duration_is_read_in_seconds(text: str, expected_seconds: Decimal) -> None:
    assert seconds(text) == expected_seconds


@pytest.mark.parametrize(
    "text",
    ["", "30", "m30", "30x", "30m1h", "1.5h", "-1s", "P", "PT", "P1DT", "P1M", "1h 30m", "٣s", "0s", "99999d", "30m\n"],
)
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"; (write|timers)"):
        seconds(text)


def test_a_timer_has_no_fraction_of_a_second() -> None:
    with pytest.raises(ValueError, match="whole number of seconds"):
        whole_seconds("0.5s")


@given(st.integers(1, LONGEST_SECONDS))
def test_a_written_duration_reads_back_as_itself(total_seconds: int) -> None:
    assert whole_seconds(written(total_seconds)) == total_seconds
