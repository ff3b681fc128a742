"""A job: only its present attempt decides, and whoever asked for it learns how it ended."""

from __future__ import annotations

import json

import pytest

from handlers import job
from handlers.builds.port import Build, BuildRefusedError
from handlers.github import Status, StatusNotPostedError, StatusRefusedError
from tests.unit.handlers.conftest import Shop
from workflow.errors import GuardError

JOB = {"repository": "acme/shop", "commit": "5f3c9a1e7b20", "requested_by": "eve@example.com"}
FAILURE = {"attempt": 1, "exit_code": 2, "log_url": "https://ci.example.com/7/1"}


BUILT = JOB | {"commit": "5f" * 20, "clone_url": "https://github.com/acme/shop.git", "branch": "feature"}


class FakeBuilds:
    """Notes what is started and stopped; starting fails with the errors of `failures` before."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, object]] = []
        self.failures: list[Exception] = []

    def start(self, build: Build) -> None:
        self.asked.append(("start", build))
        if self.failures:
            raise self.failures.pop(0)

    def stop(self, key: str) -> None:
        self.asked.append(("stop", key))


@pytest.fixture
def builds(monkeypatch: pytest.MonkeyPatch) -> FakeBuilds:
    builds = FakeBuilds()
    monkeypatch.setattr(job, "find_builds", lambda: builds)
    return builds


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


def test_the_lane_starts_a_job_by_itself_one_at_a_time_for_each_repository_and_the_most_urgent_first(
    shop: Shop,
) -> None:
    shop.flow.create("job", "1", JOB)
    shop.delivery.run()
    shop.flow.create("job", "2", JOB)
    shop.flow.create("job", "3", JOB | {"priority": 1})
    shop.flow.create("job", "4", JOB | {"repository": "acme/site"})
    shop.delivery.run()
    assert [shop.flow.get("job", id).state for id in "1234"] == ["active", "pending", "pending", "active"]
    shop.flow.fire("job", "1", "cancel", {"reason": "not needed"})
    shop.delivery.run()
    assert [shop.flow.get("job", id).state for id in "1234"] == ["cancelled", "pending", "active", "active"]


def test_a_job_that_is_started_is_built(shop: Shop, builds: FakeBuilds) -> None:
    shop.flow.create("job", "7", BUILT)
    shop.delivery.run()
    build = Build("7", 1, "acme/shop", "feature", "5f" * 20, "https://github.com/acme/shop.git")
    assert builds.asked == [("start", build)]


@pytest.mark.parametrize(("trigger", "payload"), [("time_out", None), ("cancel", {"reason": "superseded"})])
def test_a_build_that_nobody_waits_for_is_stopped_and_its_next_attempt_is_another(
    shop: Shop, builds: FakeBuilds, trigger: str, payload: dict[str, object] | None
) -> None:
    shop.flow.create("job", "7", BUILT)
    shop.delivery.run()
    shop.flow.fire("job", "7", trigger, payload)
    shop.delivery.run()
    shop.flow.fire("job", "7", "retry")
    shop.delivery.run()
    asked = [what.key if isinstance(what, Build) else what for _, what in builds.asked]
    assert list(zip([word for word, _ in builds.asked], asked, strict=True)) == [
        ("start", "7#1"),
        ("stop", "7#1"),
        ("start", "7#2"),
    ]


def test_a_job_that_runs_for_twenty_minutes_times_out(shop: Shop, builds: FakeBuilds) -> None:
    shop.flow.create("job", "7", BUILT)
    shop.delivery.run()
    shop.clock.advance(1199)
    shop.delivery.sweep()
    assert shop.flow.get("job", "7").state == "active"
    shop.clock.advance(2)
    shop.delivery.sweep()
    assert (shop.flow.get("job", "7").state, builds.asked[1:]) == ("timed_out", [("stop", "7#1")])


def test_a_job_that_cannot_be_started_gives_its_place_to_the_next_one_and_says_why(
    shop: Shop, builds: FakeBuilds
) -> None:
    builds.failures = [OSError("no room on the disk")] * 8
    shop.flow.create("job", "7", BUILT)
    shop.flow.create("job", "8", BUILT)
    shop.delivery.run()
    for _ in range(8):
        shop.clock.advance(120)
        shop.delivery.sweep()
    failed = shop.flow.get("job", "7")
    assert (failed.state, failed.data["reason"]) == ("failed", "OSError: no room on the disk")
    assert [what for what, _ in builds.asked] == ["start"] * 8 + ["stop", "start"]
    assert shop.flow.get("job", "8").state == "active"
    assert shop.subjects() == [("eve@example.com", "acme/shop@5f5f5f5f failed")]
    assert shop.text(0).splitlines()[:3] == [
        "Job 7 on feature: failed in attempt 1.",
        "Log: no log was kept",
        "Reason: OSError: no room on the disk",
    ]


def test_a_job_that_can_never_be_built_is_tried_once(shop: Shop, builds: FakeBuilds) -> None:
    builds.failures = [BuildRefusedError("job 7 has no clone_url")]
    shop.flow.create("job", "7", JOB)
    shop.delivery.run()
    failed = shop.flow.get("job", "7")
    assert (failed.state, failed.data["reason"]) == ("failed", "BuildRefusedError: job 7 has no clone_url")
    assert [what for what, _ in builds.asked] == ["start", "stop"]


def test_every_state_is_told_to_github_under_a_key_of_its_own(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[str, Status, str]] = []

    def post_status(repository: str, commit: str, status: Status, *, key: str) -> None:
        told.append((f"{repository}@{commit}", status, key))

    monkeypatch.setattr(job.github, "post_status", post_status)
    shop.flow.create("job", "7", JOB)
    shop.delivery.run()
    for trigger, payload in (("fail", FAILURE), ("retry", None), ("time_out", None), ("retry", None)):
        shop.flow.fire("job", "7", trigger, payload)
        shop.delivery.run()
    shop.flow.fire("job", "7", "cancel", {"reason": "superseded"})
    shop.flow.fire("job", "7", "retry")
    shop.delivery.run()
    shop.flow.fire("job", "7", "pass", {"attempt": 4, "log_url": "https://ci.example.com/7/4"})
    shop.delivery.run()
    assert {commit for commit, _, _ in told} == {"acme/shop@5f3c9a1e7b20"}
    assert [tuple(status) for _, status, _ in told] == [
        ("pending", "Attempt 1 waits for its turn", ""),
        ("pending", "Attempt 1 is being built", ""),
        ("failure", "Attempt 1 failed", "https://ci.example.com/7/1"),
        ("pending", "Attempt 2 waits for its turn", ""),
        ("pending", "Attempt 2 is being built", ""),
        ("error", "Attempt 2 took too long", ""),
        ("pending", "Attempt 3 waits for its turn", ""),
        ("pending", "Attempt 3 is being built", ""),
        ("error", "Attempt 3 was cancelled", ""),
        ("pending", "Attempt 4 waits for its turn", ""),
        ("pending", "Attempt 4 is being built", ""),
        ("success", "Attempt 4 passed", "https://ci.example.com/7/4"),
    ]
    assert [key for _, _, key in told] == [f"job#7#{version}#post_status" for version in range(1, 13)]


@pytest.mark.parametrize(
    ("error", "tries", "told"),
    [(StatusRefusedError("401 Bad credentials"), 1, "parked"), (StatusNotPostedError("502"), 3, "failed")],
)
def test_a_job_is_built_whatever_github_says_and_its_end_waits_to_be_told(
    shop: Shop, builds: FakeBuilds, monkeypatch: pytest.MonkeyPatch, error: Exception, tries: int, told: str
) -> None:
    asked: list[str] = []

    def refuse(*_: object, key: str) -> None:
        asked.append(key)
        raise error

    monkeypatch.setattr(job.github, "post_status", refuse)
    shop.flow.create("job", "7", BUILT)
    shop.delivery.run()
    assert [what for what, _ in builds.asked] == ["start"]
    assert asked == ["job#7#1#post_status"] * tries + ["job#7#2#post_status"] * tries

    shop.flow.fire("job", "7", "pass", {"attempt": 1, "log_url": "https://ci.example.com/7/1"})
    shop.delivery.run()
    (entry,) = [entry for entry in shop.flow.effects("job", "7") if entry.version == 3]
    assert [entry.outcomes[name].status for name in entry.outcomes] == ["done", told, "owed"]
