"""What Lambda does with a batch after an invocation."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.unit.event_source.records import Record, numbered, numbers
from workflow.event_source import (
    NOT_INVOKED,
    Answer,
    Batch,
    Condition,
    Discard,
    Next,
    Settings,
    Taken,
    after_invocation,
    pause_seconds,
    read_answer,
    without_expired,
)

FOUR = numbered(1, 2, 3, 4)
ERROR = Answer(0, "Unhandled", request_id="r")
PLAIN = Settings(maximum_retry_attempts=3)
BISECT = replace(PLAIN, bisects_on_error=True)


def failing(*identifiers: str) -> dict[str, Any]:
    return {"batchItemFailures": [{"itemIdentifier": identifier} for identifier in identifiers]}


@pytest.mark.parametrize(
    ("reports", "response", "function_error", "done"),
    [
        (True, failing("3"), None, 2),
        (True, None, None, 4),
        (True, failing("9"), None, 0),
        (True, failing(), "Unhandled", 0),
        (False, failing("1"), None, 4),
        (False, "anything", None, 4),
        (False, None, "Unhandled", 0),
    ],
)
def test_a_report_counts_only_where_the_mapping_asks_for_it_and_an_error_always(
    reports: bool, response: Any, function_error: str | None, done: int
) -> None:
    settings = Settings(reports_item_failures=reports)
    answer = read_answer(FOUR, settings, response, function_error=function_error, request_id="r")
    assert answer == Answer(done, function_error, request_id="r")


def test_a_batch_that_is_done_leaves_nothing_to_do() -> None:
    assert after_invocation(Batch(FOUR), Answer(4), BISECT, now=10) == Next(FOUR)


def test_a_failed_batch_comes_again_whole_after_a_pause() -> None:
    again = Batch(FOUR, attempts=1, invocations=1, failures=1, not_before=10.1, answer=ERROR)
    assert after_invocation(Batch(FOUR), ERROR, PLAIN, now=10) == Next((), (again,))


@pytest.mark.parametrize(("limit", "invocations"), [(0, 1), (1, 2), (3, 4)])
def test_so_many_retry_attempts_are_one_invocation_more_and_then_the_batch_is_given_up(
    limit: int, invocations: int
) -> None:
    settings, batch = replace(PLAIN, maximum_retry_attempts=limit), Batch(FOUR)
    for _ in range(limit):
        (batch,) = after_invocation(batch, ERROR, settings, now=0).again

    given_up = Discard(FOUR, Condition.RETRY_ATTEMPTS_EXHAUSTED, invocations, ERROR)
    assert after_invocation(batch, ERROR, settings, now=0) == Next((), (), given_up)


def test_without_a_limit_a_batch_is_never_given_up() -> None:
    batch: Batch[Record] = Batch(FOUR)
    for _ in range(10_000):
        (batch,) = after_invocation(batch, ERROR, Settings(), now=0).again
    assert (batch.attempts, batch.invocations, batch.not_before) == (10_000, 10_000, 10.0)


def test_a_function_that_could_not_be_invoked_costs_no_attempt_and_splits_nothing() -> None:
    batch = after_invocation(Batch(FOUR), ERROR, PLAIN, now=0).again[0]
    for settings in (PLAIN, BISECT):
        result = after_invocation(batch, NOT_INVOKED, settings, now=10)
        assert result == Next((), (replace(batch, failures=2, not_before=10.2),))


def test_partial_success_brings_the_rest_again_at_the_cost_of_an_attempt_and_the_count_goes_on() -> None:
    batch = Batch(FOUR, attempts=2, invocations=2, failures=2)
    rest = Batch(FOUR[1:], attempts=3, invocations=3, failures=1, not_before=0.1, answer=Answer(1))
    assert after_invocation(batch, Answer(1), PLAIN, now=0) == Next(FOUR[:1], (rest,))

    given_up = Discard(FOUR[2:], Condition.RETRY_ATTEMPTS_EXHAUSTED, 4, Answer(1))
    assert after_invocation(rest, Answer(1), PLAIN, now=1) == Next(FOUR[1:2], (), given_up)


@pytest.mark.parametrize(
    ("count", "halves"), [(2, [[1], [2]]), (3, [[1], [2, 3]]), (4, [[1, 2], [3, 4]]), (5, [[1, 2], [3, 4, 5]])]
)
@pytest.mark.parametrize("answer", [ERROR, Answer(0)])
def test_bisect_halves_a_batch_of_which_nothing_is_done_and_spends_no_attempt(
    answer: Answer, count: int, halves: list[list[int]]
) -> None:
    batch = Batch(numbered(*range(1, count + 1)), attempts=2, invocations=2)
    result = after_invocation(batch, answer, BISECT, now=0)
    assert [numbers(half.records) for half in result.again] == halves
    assert {(half.attempts, half.invocations, half.not_before) for half in result.again} == {(2, 3, 0.1)}
    assert (result.done, result.discard) == ((), None)


@pytest.mark.parametrize("done", [1, 2, 3])
def test_bisect_splits_at_the_reported_record_and_only_the_rest_comes_again_at_no_cost(done: int) -> None:
    rest = Batch(FOUR[done:], attempts=3, invocations=4, failures=1, not_before=0.1, answer=Answer(done))
    batch = Batch(FOUR, attempts=3, invocations=3, failures=3)
    assert after_invocation(batch, Answer(done), BISECT, now=0) == Next(FOUR[:done], (rest,))


def test_a_single_record_that_cannot_be_split_spends_its_own_attempts() -> None:
    batch = after_invocation(Batch(FOUR[:1], attempts=2), ERROR, BISECT, now=0).again[0]
    assert batch.attempts == 3
    assert after_invocation(batch, ERROR, BISECT, now=0).discard == Discard(
        FOUR[:1], Condition.RETRY_ATTEMPTS_EXHAUSTED, 2, ERROR
    )


def test_the_pause_doubles_up_to_its_ceiling() -> None:
    settings = Settings(first_retry_seconds=0.5, longest_retry_seconds=3)
    assert [pause_seconds(failures, settings) for failures in (1, 2, 3, 4, 5, 10_000)] == [0.5, 1, 2, 3, 3, 3]


AGED = tuple(Record(number, arrived_at=float(number)) for number in (1, 2, 3))


@pytest.mark.parametrize(("now", "expired"), [(61.0, []), (61.1, [1]), (62.0, [1]), (62.5, [1, 2]), (64.0, [1, 2, 3])])
def test_records_over_the_maximum_age_leave_a_batch_and_the_younger_stay(now: float, expired: list[int]) -> None:
    batch = Batch(AGED, attempts=1, invocations=1, answer=ERROR)
    left, discard = without_expired(batch, Settings(maximum_record_age_seconds=60), now=now)
    assert left == replace(batch, records=AGED[len(expired) :])
    gone = AGED[: len(expired)]
    assert discard == (Discard(gone, Condition.RECORD_AGE_EXCEEDED, 1, ERROR) if gone else None)


def test_without_a_maximum_age_no_record_is_too_old() -> None:
    assert without_expired(Batch(AGED), Settings(), now=1e12) == (Batch(AGED), None)


def test_what_is_generic_can_be_made_with_its_record_type_named() -> None:
    assert (Batch[Record](AGED), Next[Record](AGED)) == (Batch(AGED), Next(AGED))
    condition = Condition.RECORD_AGE_EXCEEDED
    assert (Discard[Record](AGED, condition, 0), Taken[Record](Batch(AGED))) == (
        Discard(AGED, condition, 0),
        Taken(Batch(AGED)),
    )
