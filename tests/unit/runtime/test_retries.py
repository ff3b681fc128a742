"""Short waits are waited where the effect runs, twice at most and never beyond the time; longer ones are not."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.fakes.clock import START
from tests.fakes.hooks import Notebook, raising
from tests.fakes.uses import using
from tests.unit.runtime.delivery import HOOKED, Bench
from workflow.definition.definition import HookUse, Retry
from workflow.errors import Refused, ThrottledError
from workflow.runtime.ledger_entry import Attempt, Outcome
from workflow.runtime.retries import Next, after_failure

QUICK = Retry(attempts=8, first_seconds=0.5, factor=2, ceiling_seconds=1)


def _bench(retry: Retry = QUICK) -> Bench:
    bench = Bench(using(HOOKED, retry=retry), notes=Notebook("greet", "receipt", "loyalty", "notify"))
    bench.clock.slept.clear()
    return bench


def _failing_until(bench: Bench, attempt: int) -> None:
    bench.notes.failing["receipt"] = lambda effect: 1 / int(effect.attempt >= attempt)


def test_two_short_waits_are_waited_in_place() -> None:
    bench = _bench()
    _failing_until(bench, 3)
    delivered = bench.deliver(bench.only_paid())
    assert (delivered.failed, delivered.effects_failed, delivered.put_aside) == ([], 2, 0)
    assert bench.clock.slept == [0.5, 1.0]
    assert bench.statuses()[1:] == [(2, "receipt", "done", 3), (2, "loyalty", "done", 1)]
    assert [attempt.error for attempt in bench.entry().outcomes["receipt"].earlier] == [
        "ZeroDivisionError: division by zero"
    ] * 2


def test_a_third_wait_is_the_sweepers_however_short() -> None:
    bench = _bench()
    _failing_until(bench, 4)
    delivered = bench.deliver(bench.only_paid())
    assert (delivered.effects_failed, delivered.put_aside) == (3, 1)
    assert bench.clock.slept == [0.5, 1.0]
    assert bench.sweep(after=1).effects_done == 2
    assert bench.statuses()[1] == (2, "receipt", "done", 4)


def test_a_wait_of_more_than_a_second_is_not_waited_in_place() -> None:
    bench = _bench(Retry(attempts=8, first_seconds=1.001, factor=2, ceiling_seconds=10))
    _failing_until(bench, 2)
    assert bench.deliver(bench.only_paid()).put_aside == 1
    assert bench.clock.slept == []


def test_nothing_is_waited_for_beyond_the_time_of_the_delivery() -> None:
    bench = _bench()
    bench.notes.failing["receipt"] = lambda effect: bench.clock.advance(56.6) or 1 / 0
    assert bench.deliver(bench.only_paid()).put_aside == 1
    assert bench.clock.slept == []
    assert len(bench.notes.ran) == 1


def test_each_hook_of_an_event_has_its_own_waits_in_place() -> None:
    bench = _bench()
    _failing_until(bench, 3)
    bench.notes.failing["loyalty"] = bench.notes.failing["receipt"]
    assert bench.deliver(bench.only_paid()).put_aside == 0
    assert bench.clock.slept == [0.5, 1.0, 0.5, 1.0]


def test_the_last_attempt_may_be_one_in_place() -> None:
    bench = _bench(Retry(attempts=2, first_seconds=0.5, factor=2, ceiling_seconds=1))
    bench.notes.failing["receipt"] = raising(ValueError("no"))
    delivered = bench.deliver(bench.only_paid())
    assert (delivered.put_aside, delivered.for_people) == (0, {("order", "receipt"): 1})
    assert bench.statuses()[1] == (2, "receipt", "parked", 2)


class _CardError(ValueError):
    """An error of the application's own."""


FIVE = Retry(attempts=5, first_seconds=2, factor=3, ceiling_seconds=30)


@pytest.mark.parametrize(
    ("use", "error", "outcome", "jitter", "following"),
    [
        (HookUse("h", FIVE), ValueError(), Outcome("failed", 1), 1.0, Next("wait", 2)),
        (HookUse("h", FIVE), ValueError(), Outcome("failed", 1), 0.25, Next("wait", 0.5)),
        (HookUse("h", FIVE), ValueError(), Outcome("failed", 3), 1.0, Next("wait", 18)),
        (HookUse("h", FIVE), ValueError(), Outcome("failed", 4), 1.0, Next("wait", 30)),
        (HookUse("h", FIVE), ValueError(), Outcome("failed", 5), 1.0, Next("person")),
        (HookUse("h", FIVE), ValueError(), Outcome("failed", 6, forgiven=5), 1.0, Next("wait", 2)),
        (HookUse("h", FIVE), ValueError(), Outcome("failed", 10, forgiven=5), 1.0, Next("person")),
        (HookUse("h", FIVE), Refused(), Outcome("failed", 1), 1.0, Next("person", why="refused")),
        (HookUse("h", FIVE, {"*": "t"}), Refused(), Outcome("failed", 1), 1.0, Next("catch", trigger="t")),
        (HookUse("h", FIVE, {"*": "t"}), ValueError(), Outcome("failed", 1), 1.0, Next("wait", 2)),
        (HookUse("h", FIVE, {"*": "t"}), ValueError(), Outcome("failed", 5), 1.0, Next("catch", trigger="t")),
        (
            HookUse("h", FIVE, {"ValueError": "a", "_CardError": "b"}),
            _CardError(),
            Outcome("failed", 5),
            1.0,
            Next("catch", trigger="a"),
        ),
        (HookUse("h", FIVE, {"KeyError": "a"}), _CardError(), Outcome("failed", 5), 1.0, Next("person")),
        (HookUse("h", FIVE, {"Exception": "t"}), ThrottledError(), Outcome("failed", 5), 1, Next("catch", trigger="t")),
        (HookUse("h"), ValueError(), Outcome("failed", Retry().attempts), 1.0, Next("person")),
        (HookUse("h", Retry(10**6, 1, 10, 7)), ValueError(), Outcome("failed", 10**5), 1.0, Next("wait", 7)),
    ],
)  # fmt: skip
def test_what_follows_a_failure(
    use: HookUse, error: Exception, outcome: Outcome, jitter: float, following: Next
) -> None:
    assert after_failure(use, error, outcome, jitter) == following


def test_of_failed_attempts_the_last_twenty_are_kept_and_the_beginnings_of_their_errors() -> None:
    outcome = Outcome()
    ends = [START + timedelta(seconds=number) for number in range(30)]
    for number, end in enumerate(ends):
        outcome = outcome.ended("failed", end, number, f"{number:02} {'x' * 1000}")
    kept = tuple(Attempt(ends[number], number, f"{number:02} {'x' * 297}") for number in range(9, 29))
    assert outcome == Outcome("failed", 30, ends[29], 29, f"29 {'x' * 1000}", "", kept)
