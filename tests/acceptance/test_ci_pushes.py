"""Pushes over real HTTP, with real builds: each is one job, one build, and one status for each state, however often it
comes."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from demo.ci.facts import expected_statuses
from demo.ci.github import Reply, delivery_id, push_body
from demo.ci.service import Pushed
from demo.ci.sources import QUICK, Script
from demo.facts import read_table
from tests.acceptance.conftest import Ci

TIMES = 10
COMMIT = "1" * 40
UNSIGNED = "the signature does not fit"


def test_a_push_that_comes_one_to_ten_times_at_once_is_one_job_one_build_and_one_status_for_each_state(ci: Ci) -> None:
    # Most at once first: each of them starts a process of the function, which the others then find warm.
    names = {times: ci.repository() for times in range(TIMES, 0, -1)}
    pushes: dict[int, list[Pushed]] = {}
    with ThreadPoolExecutor(TIMES) as pool:
        for times, name in names.items():
            commit, delivery = ci.service.sources.commit(name, QUICK), delivery_id()

            def redeliver(_: int, name: str = name, commit: str = commit, delivery: str = delivery) -> Pushed:
                return ci.service.redeliver(name, "main", commit, delivery=delivery)

            pushes[times] = list(pool.map(redeliver, range(times)))
    ci.until_in("passed", *(f"{name}-2" for name in names.values()))

    for times, name in names.items():
        answer = Reply(200, {"kind": "repository", "id": name, "version": 2, "state": "known"})
        assert [pushed.reply for pushed in pushes[times]] == [answer] * times
        assert ci.jobs(name) == {f"{name}-2": ["pending", "active", "passed"]}
        assert ci.builds(name) == [f"{name}-2#1"]
        assert ci.statuses(pushes[times][0]) == [
            ("pending", "Attempt 1 waits for its turn"),
            ("pending", "Attempt 1 is being built"),
            ("success", "Attempt 1 passed"),
        ]


def test_a_build_that_fails_is_told_to_github_and_to_whoever_pushed(ci: Ci) -> None:
    name = ci.repository()
    pushed = ci.service.push(name, "main", Script(exit_code=3))
    ci.until_in("failed", pushed.job)
    assert ci.service.job(pushed.job).data["exit_code"] == 3
    assert ci.statuses(pushed)[-1] == ("failure", "Attempt 1 failed")
    assert ci.mails(name) == [("eve@example.com", f"{name}@{pushed.commit[:8]} failed")]


def test_a_newer_push_cancels_the_job_of_the_one_before_to_the_same_branch_and_no_other(ci: Ci) -> None:
    name = ci.repository()
    running = ci.service.push(name, "main", Script(gate=f"{name}-never"))
    ci.until(lambda: ci.service.is_built(running.job))
    worker = ci.service.worker(running.job)
    waiting = [ci.service.push(name, branch) for branch in ("fix", "other", "fix")]
    ci.until_in("cancelled", waiting[0].job)
    newer = ci.service.push(name, "main")
    ci.until_in("passed", newer.job, waiting[1].job, waiting[2].job)

    assert (bool(worker), ci.service.worker(running.job)) == (True, 0)
    assert ci.jobs(name) == {
        running.job: ["pending", "active", "cancelled"],
        waiting[0].job: ["pending", "cancelled"],
        waiting[1].job: ["pending", "active", "passed"],
        waiting[2].job: ["pending", "active", "passed"],
        newer.job: ["pending", "active", "passed"],
    }
    assert ci.service.job(waiting[0].job).data["reason"] == f"superseded by {waiting[2].job}"
    assert f"{waiting[0].job}#1" not in ci.builds(name)
    for pushed in (running, *waiting, newer):
        assert ci.statuses(pushed) == expected_statuses(ci.spans(pushed.job))


@pytest.mark.parametrize(
    ("what", "status", "error"),
    [
        ({"secret": b"another secret"}, 401, UNSIGNED),
        ({"headers": {"X-Hub-Signature-256": ""}}, 401, UNSIGNED),
        ({"headers": {"X-Hub-Signature-256": "sha256=" + "0" * 63}}, 401, UNSIGNED),
        ({"content": b'{"ref": "refs/heads/ma'}, 400, "the body is not JSON"),
        ({"content": b"[" * 100 + b"]" * 100}, 400, "deep"),
        ({"content": b'"' + b"x" * 1_100_000 + b'"'}, 413, "1048576"),
        ({"headers": {"X-GitHub-Delivery": ""}}, 400, "x-github-delivery"),
        ({"told": "issues"}, 204, ""),
        ({"ref": "refs/tags/v1"}, 204, ""),
        ({"deleted": True}, 204, ""),
        ({"repository": {"full_name": "acme/unknown"}}, 404, "there is no repository acme/unknown"),
        ({"repository": {"full_name": ["acme"]}}, 400, "full_name"),
        ({"repository": "acme"}, 400, "full_name"),
        ({"sender": {"login": "mallory"}}, 403, "sender"),
        ({"sender": None}, 422, "payload.sender is missing"),
        ({"after": None}, 422, "payload.commit is missing"),
        ({"after": 7}, 422, "payload.commit"),
    ],
    ids=lambda value: str(value)[:50] if isinstance(value, dict) else None,
)
def test_what_is_no_push_of_a_known_user_is_answered_in_one_line_and_writes_nothing(
    ci: Ci, what: dict[str, object], status: int, error: str
) -> None:
    table = ci.service.cloud.stack.table_name
    before = read_table(ci.service.cloud, table)
    asked = {name: what[name] for name in ("secret", "headers", "told") if name in what}
    changes = {name: value for name, value in what.items() if name not in (*asked, "content")}
    content = what.get("content", push_body(ci.known, "main", COMMIT, "eve") | changes)
    reply = ci.service.deliver(content, **asked)  # type: ignore[arg-type]
    ci.service.settle()
    assert reply.status == status
    assert error in reply.content.get("error", "")
    assert "\n" not in reply.content.get("error", "")
    assert read_table(ci.service.cloud, table) == before
