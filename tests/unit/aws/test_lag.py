"""How long the records of a batch were under way."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from typing import Any

import pytest

from workflow.aws.lag import MOST_RECORDS, delivery_lags

NOW = datetime(2026, 1, 31, 12, 0, 0, 500_000, tzinfo=UTC)


def _record(number: int, age_seconds: int) -> dict[str, Any]:
    written = int(NOW.timestamp()) - age_seconds
    return {"dynamodb": {"SequenceNumber": str(number), "ApproximateCreationDateTime": written}}


def test_each_record_was_under_way_since_the_second_it_was_written_in() -> None:
    assert delivery_lags([_record(1, 3), _record(2, 0)], NOW) == [3500, 500]


def test_a_large_batch_is_told_of_by_a_few_that_are_spread_over_all_of_it() -> None:
    for number in (24, 25, 26, 99, 1000):
        lags = delivery_lags([_record(i, number - i) for i in range(number)], NOW)
        assert 13 <= len(lags) <= MOST_RECORDS
        assert lags[0] == number * 1000 + 500
        assert lags[-1] <= number * 1000 / 13 + 500


def test_what_comes_again_is_not_through() -> None:
    batch = [_record(i, 10 - i) for i in range(5)]
    assert delivery_lags(batch, NOW, again_from="2") == [10_500, 9500]
    assert delivery_lags(batch, NOW, again_from="0") == []
    assert delivery_lags([], NOW) == []


def test_a_clock_that_is_behind_tells_of_no_negative_time() -> None:
    assert delivery_lags([_record(1, -5)], NOW) == [0]


@pytest.mark.parametrize(
    "hostile",
    [
        *({}, {"dynamodb": None}, {"dynamodb": []}, 5, None, {"dynamodb": {"ApproximateCreationDateTime": None}}),
        *({"dynamodb": {"ApproximateCreationDateTime": at}} for at in ("5", [], {}, -1, 1e300, float("nan"), 10**30)),
    ],
)
def test_a_record_that_says_no_time_is_not_counted(hostile: Any) -> None:
    batch = [_record(1, 1), hostile, _record(2, 1)]
    random.Random(1).shuffle(batch)
    assert delivery_lags(batch, NOW) == [1500, 1500]
    assert delivery_lags([*batch, _record(3, 1)], NOW, again_from="3") == [1500, 1500]
