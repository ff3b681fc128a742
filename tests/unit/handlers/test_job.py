"""A job: only its present attempt decides, and whoever asked for it learns how it ended."""

from __future__ import annotations

import json

import pytest

from tests.unit.handlers.conftest import Shop
from workflow.errors import GuardError

JOB = {"repository": "acme/shop", "commit": "5f3c9a1e7b20", "requested_by": "eve@example.com"}
FAILURE = {"attempt": 1, "exit_code": 2, "log_url": "https://ci.example.com/7/1"}


@pytest.fixture
def active(shop: Shop) -> Shop:
    shop.flow.create("job", "7", JOB)
    shop.flow.fire("job", "7", "start")
    return shop


def test_a_retry_raises_the_attempt_and_forgets_how_the_last_one_ended(active: Shop) -> None:
    active.flow.fire("job", "7", "fail", FAILURE)
    retried = active.flow.fire("job", "7", "retry").entity
    assert (retried.state, retried.data) == (
        "pending",
        {**JOB, "branch": "main", "priority": 0, "attempt": 2},
    )


def test_a_runner_that_was_given_up_on_decides_nothing(active: Shop) -> None:
    active.flow.fire("job", "7", "time_out")
    active.flow.fire("job", "7", "retry")
    active.flow.fire("job", "7", "start")
    with pytest.raises(GuardError, match=r"payload.attempt == data.attempt"):
        active.flow.fire("job", "7", "pass", {"attempt": 1, "log_url": "https://ci.example.com/7/1"})
    assert active.flow.get("job", "7").state == "active"


def test_a_failure_without_an_exit_code_of_failure_is_refused(active: Shop) -> None:
    with pytest.raises(GuardError):
        active.flow.fire("job", "7", "fail", FAILURE | {"exit_code": 0})


def test_a_job_is_tried_five_times_at_most(shop: Shop) -> None:
    shop.flow.create("job", "7", JOB)
    for _ in range(4):
        shop.flow.fire("job", "7", "cancel", {"reason": "superseded"})
        shop.flow.fire("job", "7", "retry")
    shop.flow.fire("job", "7", "cancel", {"reason": "superseded"})
    with pytest.raises(GuardError, match=r"needs: data.attempt < `5`"):
        shop.flow.fire("job", "7", "retry")


@pytest.mark.parametrize(
    ("trigger", "payload", "subject", "last_line"),
    [
        ("fail", FAILURE, "acme/shop@5f3c9a1e failed", "Log: https://ci.example.com/7/1"),
        ("pass", {"attempt": 1, "log_url": "https://x/1"}, "acme/shop@5f3c9a1e passed", "Log: https://x/1"),
        ("time_out", None, "acme/shop@5f3c9a1e timed out", "Log: no log was kept"),
    ],
)
def test_whoever_asked_for_a_job_is_told_how_it_ended(
    active: Shop, trigger: str, payload: dict[str, object] | None, subject: str, last_line: str
) -> None:
    active.flow.fire("job", "7", trigger, payload)
    active.delivery.run()
    assert active.subjects() == [("eve@example.com", subject)]
    assert active.text(0).splitlines()[1] == last_line


def test_how_long_a_job_ran_becomes_a_metric_by_repository_and_outcome(
    active: Shop, capsys: pytest.CaptureFixture[str]
) -> None:
    active.clock.advance(83)
    ended = active.flow.fire("job", "7", "time_out").entity.changed_at
    active.delivery.run()
    assert json.loads(capsys.readouterr().out) == {
        "_aws": {
            "Timestamp": round(ended.timestamp() * 1000),
            "CloudWatchMetrics": [
                {
                    "Namespace": "Jobs",
                    "Dimensions": [["repository", "outcome"]],
                    "Metrics": [{"Name": "Duration", "Unit": "Seconds"}],
                }
            ],
        },
        "repository": "acme/shop",
        "outcome": "timed_out",
        "effect": "job#7#3#record_duration",
        "Duration": 83.0,
    }
