"""Percentiles: numbers that were there, exact as long as all are kept."""

from __future__ import annotations

import random

import pytest

from workflow.runtime.analytics.sample import Sample


def sample_of(*numbers: float, most: int = 1000) -> Sample:
    sample = Sample(most)
    for number in numbers:
        sample.add(number)
    return sample


def test_of_nothing_there_is_no_percentile():
    assert (Sample().percentile(50), Sample().largest, Sample().count) == (None, None, 0)


@pytest.mark.parametrize(
    ("numbers", "percentiles"),
    [
        ([7], [7, 7, 7]),
        ([2, 1], [1, 2, 2]),
        ([3, 1, 2], [2, 3, 3]),
        (range(1, 11), [5, 9, 10]),
        (range(100, 0, -1), [50, 90, 99]),
        (range(1, 102), [51, 91, 100]),
    ],
)
def test_a_percentile_is_the_least_number_that_so_many_do_not_exceed(numbers, percentiles):
    sample = sample_of(*numbers)
    assert [sample.percentile(percent) for percent in (50, 90, 99)] == percentiles
    assert sample.largest == max(numbers)


def test_a_number_that_comes_after_the_first_question_counts():
    sample = sample_of(5, 6, 7)
    assert sample.percentile(50) == 6
    for number in (1, 2, 3):
        sample.add(number)
    assert sample.percentile(50) == 3


def test_more_than_are_kept_are_a_fair_sample_with_the_largest_exact():
    numbers = list(range(100_000))
    random.Random(1).shuffle(numbers)
    sample = sample_of(*numbers, most=2_000)
    assert (sample.is_exact, sample.count, sample.largest) == (False, 100_000, 99_999)
    for percent in (10, 50, 90):
        assert sample.percentile(percent) == pytest.approx(percent * 1000, abs=5_000)


def test_what_came_late_is_as_likely_kept_as_what_came_early():
    # The numbers grow: whoever kept the first ones, or the last, would be far off.
    sample = sample_of(*range(50_000), most=2_000)
    assert sample.percentile(50) == pytest.approx(25_000, abs=2_500)


def test_as_many_as_are_kept_are_exact():
    assert sample_of(*range(10), most=10).is_exact
