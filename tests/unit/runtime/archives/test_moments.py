"""Moments in the ways in which old systems wrote them."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from workflow.definition.archives.archive_map import Times
from workflow.runtime.archives.moments import MomentError, Moments, moment_text

GERMAN = Times("%d.%m.%Y %H:%M", "Europe/Berlin")


@pytest.mark.parametrize(
    ("times", "written", "moment"),
    [
        (Times(), "2019-03-01T10:00:00Z", datetime(2019, 3, 1, 10, tzinfo=UTC)),
        (Times(), " 2019-03-01 10:00:00.25+02:00 ", datetime(2019, 3, 1, 8, 0, 0, 250000, tzinfo=UTC)),
        (Times(zone="Europe/Berlin"), "2019-03-01 10:00", datetime(2019, 3, 1, 9, tzinfo=UTC)),
        (Times(zone="Europe/Berlin"), "2019-03-01T10:00Z", datetime(2019, 3, 1, 10, tzinfo=UTC)),
        (Times(zone="America/New_York"), "2019-07-01", datetime(2019, 7, 1, 4, tzinfo=UTC)),
        (GERMAN, "01.07.2019 10:00", datetime(2019, 7, 1, 8, tzinfo=UTC)),
        # Half past two comes twice in that night.
        (GERMAN, "27.10.2019 02:30", datetime(2019, 10, 27, 0, 30, tzinfo=UTC)),
        (Times("seconds"), 1551434400, datetime(2019, 3, 1, 10, tzinfo=UTC)),
        (Times("seconds"), "1551434400.000001", datetime(2019, 3, 1, 10, 0, 0, 1, tzinfo=UTC)),
        (Times("seconds"), -1, datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC)),
        (Times("milliseconds"), Decimal("1551434400000.5"), datetime(2019, 3, 1, 10, 0, 0, 500, tzinfo=UTC)),
    ],
)
def test_a_moment_is_read(times: Times, written: Any, moment: datetime) -> None:
    assert Moments(times).read(written) == moment


@pytest.mark.parametrize(
    ("times", "written", "why"),
    [
        (Times(), "yesterday", "is no time in ISO 8601"),
        (Times(), 1551434400, "is no time in ISO 8601"),
        (Times(), "2019-03-01T10:00:00", "has no time zone"),
        (Times(), "0001-01-01T00:00:00+14:00", "is outside of the calendar"),
        (GERMAN, "2019-07-01", "is no time written as %d.%m.%Y %H:%M"),
        (GERMAN, "31.02.2019 10:00", "is no time written as"),
        (Times("seconds"), "soon", "is no number of seconds"),
        (Times("seconds"), True, "is no number of seconds"),
        (Times("seconds"), "1e999", "is no number of seconds"),
        (Times("seconds"), [1], "is no number of seconds"),
        (Times("seconds"), 10**30, "is outside of the calendar"),
        (Times("milliseconds"), 10**15, "is outside of the calendar"),
        (Times("seconds"), Decimal("1E+125"), "is outside of the calendar"),
    ],
)
def test_what_is_no_moment_is_told_without_it(times: Times, written: Any, why: str) -> None:
    with pytest.raises(MomentError) as caught:
        Moments(times).read(written)
    assert str(caught.value).startswith(why)
    assert str(written) not in str(caught.value)


def test_its_text_is_that_of_a_field() -> None:
    assert moment_text(datetime(2019, 3, 1, 10, tzinfo=UTC)) == "2019-03-01T10:00:00.000000Z"
