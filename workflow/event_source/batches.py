"""What becomes of a batch after an invocation: done, to be invoked again, split, or given up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Generic, TypeVar

from workflow.event_source.checkpoint import checkpoint
from workflow.event_source.record import StreamRecord
from workflow.event_source.settings import Settings

R = TypeVar("R", bound=StreamRecord)

_MOST_DOUBLINGS = 32


class Condition(StrEnum):
    """Why records are given up, in Lambda's words."""

    RETRY_ATTEMPTS_EXHAUSTED = "RetryAttemptsExhausted"
    RECORD_AGE_EXCEEDED = "RecordAgeExceeded"


@dataclass(frozen=True, slots=True)
class Answer:
    """How one invocation ended: so many records, from the batch's first, are done.

    `was_invoked` is false if the function never ran: throttled, or it could not be reached.
    """

    done: int
    function_error: str | None = None
    was_invoked: bool = True
    request_id: str = ""


NOT_INVOKED = Answer(0, was_invoked=False)


# The generic ones have no slots: with them, Python 3.11 refuses to make a frozen `Batch[Record](...)`.
@dataclass(frozen=True)
class Batch(Generic[R]):
    """Records that go out together, and what has happened to them so far.

    `attempts` are the failed invocations that count against MaximumRetryAttempts, `invocations` all that carried these
    records, `failures` those in a row that got nothing done, which is what the pause before `not_before` grows with.
    """

    records: tuple[R, ...]
    attempts: int = 0
    invocations: int = 0
    failures: int = 0
    not_before: float = float("-inf")
    answer: Answer | None = None


@dataclass(frozen=True)
class Discard(Generic[R]):
    """Records that Lambda gives up: they go to the on-failure destination, and the shard moves on."""

    records: tuple[R, ...]
    condition: Condition
    invocations: int
    answer: Answer | None = None


@dataclass(frozen=True)
class Next(Generic[R]):
    """What follows: `again` goes out in this order, and before anything newer of the same lane."""

    done: tuple[R, ...] = ()
    again: tuple[Batch[R], ...] = ()
    discard: Discard[R] | None = None


def read_answer(
    records: Sequence[StreamRecord],
    settings: Settings,
    response: Any,
    *,
    function_error: str | None = None,
    request_id: str = "",
) -> Answer:
    """Return what a function's parsed response to these records means under these settings.

    A function error fails the batch whatever was returned; without ReportBatchItemFailures every other response is
    success. https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html
    """
    if function_error is not None:
        return Answer(0, function_error, request_id=request_id)
    if not settings.reports_item_failures:
        return Answer(len(records), request_id=request_id)
    return Answer(checkpoint([record.sequence_number for record in records], response), request_id=request_id)


def after_invocation(batch: Batch[R], answer: Answer, settings: Settings, *, now: float) -> Next[R]:
    """Return what Lambda does next with the batch; every record of it is in exactly one part, in order.

    Documented: a function that could not be invoked costs no attempt; splitting costs none; N retry attempts are N + 1
    invocations; with both bisect and item failures on, a partial success is the split, and only the rest comes again.
    Chosen, where AWS is silent: without bisect, a partial success that makes progress costs an attempt, and the rest
    keeps the count (the reading that gives up soonest); a report that names the first record failed the whole batch,
    which is halved like one that raised. `now` in seconds.
    https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html
    https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html
    """
    done, rest = batch.records[: answer.done], batch.records[answer.done :]
    if not rest:
        return Next(done)
    left = _failed(replace(batch, records=rest), answer, settings, now)
    if not answer.was_invoked:
        return Next(done, (left,))
    if settings.bisects_on_error and (done or len(rest) > 1):
        return Next(done, (left,) if done else _halves(left))
    left = replace(left, attempts=left.attempts + 1)
    limit = settings.maximum_retry_attempts
    if limit is not None and left.attempts > limit:
        return Next(done, (), _discard(left, rest, Condition.RETRY_ATTEMPTS_EXHAUSTED))
    return Next(done, (left,))


def without_expired(batch: Batch[R], settings: Settings, *, now: float) -> tuple[Batch[R], Discard[R] | None]:
    """Return the batch less its oldest records that are over the maximum age, and these; asked before each invocation.

    Chosen, where AWS is silent: the younger records of the batch still go out, and a record of exactly the maximum age
    does too. `now` in seconds. https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html
    """
    limit = settings.maximum_record_age_seconds
    if limit is None:
        return batch, None
    ages = (now - record.arrived_at for record in batch.records)
    expired = next((place for place, age in enumerate(ages) if age <= limit), len(batch.records))
    if not expired:
        return batch, None
    discard = _discard(batch, batch.records[:expired], Condition.RECORD_AGE_EXCEEDED)
    return replace(batch, records=batch.records[expired:]), discard


def pause_seconds(failures: int, settings: Settings) -> float:
    """Return how long a batch waits after so many failures in a row: twice as long each time, up to a ceiling."""
    pause = settings.first_retry_seconds * 2.0 ** min(failures - 1, _MOST_DOUBLINGS)
    return min(pause, settings.longest_retry_seconds)


def _failed(batch: Batch[R], answer: Answer, settings: Settings, now: float) -> Batch[R]:
    failures = 1 if answer.done else batch.failures + 1
    return replace(
        batch,
        failures=failures,
        not_before=now + pause_seconds(failures, settings),
        invocations=batch.invocations + answer.was_invoked,
        # One that did not run the function says nothing about why the records failed.
        answer=answer if answer.was_invoked else batch.answer,
    )


def _halves(batch: Batch[R]) -> tuple[Batch[R], ...]:
    middle = len(batch.records) // 2
    return replace(batch, records=batch.records[:middle]), replace(batch, records=batch.records[middle:])


def _discard(batch: Batch[R], records: tuple[R, ...], condition: Condition) -> Discard[R]:
    return Discard(records, condition, batch.invocations, batch.answer)
