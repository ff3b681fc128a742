"""From a signed push to the commit's status, with real builds between: GitHub's webhook, the lane, the report."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from handlers import clients
from handlers.builds.report import Report, signed
from tests.shipped import HANDLERS
from tests.unit.handlers.builds.conftest import SECRET, Repository
from tests.unit.handlers.conftest import DEFINITIONS, FakeMailService
from tests.unit.handlers.servers import Answered, Asked, FakeGitHub, serve
from workflow import Workflow
from workflow.definition.webhooks.load import load_webhooks
from workflow.runtime.webhooks.receive import Answer, Delivery, Receiver
from workflow.testing import MemoryDelivery, MemoryStore

GITHUB_SECRET = b"It's a Secret to Everybody"
JOB = "acme/shop-2"


class Secrets:
    def get(self, name: str, *, afresh: bool = False) -> bytes:
        return {"ssm:/workflow/github-webhook": GITHUB_SECRET, "ssm:/workflow/runner-webhook": SECRET.encode()}[name]


class Service:
    """The whole application but for AWS: both webhooks over HTTP, and effects that run until a test is content."""

    def __init__(self, repository: Repository, mail_service: FakeMailService, github: FakeGitHub) -> None:
        self.flow = Workflow(DEFINITIONS, MemoryStore(), handlers=HANDLERS)
        webhooks = load_webhooks(DEFINITIONS.parent / "webhooks", self.flow.definitions)
        self._receiver = Receiver(self.flow.runtime, webhooks, Secrets())
        self._delivery = MemoryDelivery(self.flow)
        self._lock = threading.Lock()
        self.repository, self.mail_service, self.github = repository, mail_service, github
        users = {"eve": "eve@example.com"}
        data = {"customer": "acme", "clone_url": repository.url, "users": users}
        self.flow.create("repository", "acme/shop", data)

    def answer(self, asked: Asked) -> Answered:
        answer = self._receive(Delivery(asked.path.rpartition("/")[2], asked.headers, asked.body))
        return Answered(answer.status, answer.content)

    def _receive(self, delivery: Delivery) -> Answer:
        with self._lock:
            return self._receiver.receive(delivery)

    def push(self, commit: str, number: int = 1, *, sender: str = "eve", **changes: object) -> Answer:
        """Delivers a push as GitHub does."""
        body = {"ref": "refs/heads/main", "after": commit, "deleted": False, "sender": {"login": sender}}
        content = json.dumps(body | {"repository": {"full_name": "acme/shop"}} | changes).encode()
        headers = {
            "x-github-event": "push",
            "x-github-delivery": f"72d3162e-cc78-11e3-81ab-{number:012d}",
            "x-hub-signature-256": "sha256=" + hmac.new(GITHUB_SECRET, content, hashlib.sha256).hexdigest(),
        }
        return self._receive(Delivery("github", headers, content))

    def report(self, report: Report) -> Answer:
        """Delivers a report as a runner does."""
        body = report.body()
        return self._receive(Delivery("runner", signed(report.id, int(time.time()), body, SECRET), body))

    def until(self, holds: Callable[[], bool]) -> None:
        """Runs effects until it holds, and then those that are left."""
        deadline = time.monotonic() + 20
        while not holds():
            assert time.monotonic() < deadline, f"it never came to hold: {self.states()}"
            with self._lock:
                assert self._delivery.run().failed == []
            time.sleep(0.02)
        with self._lock:
            self._delivery.run()

    def is_in(self, state: str, job: str = JOB) -> Callable[[], bool]:
        def holds() -> bool:
            found = self.flow.find("job", job)
            return found is not None and found.state == state

        return holds

    def states(self) -> dict[str, str]:
        return {listed.id: listed.state for listed in self.flow.list("job")}

    def told(self, commit: str) -> list[tuple[str, str]]:
        return self.github.told(f"acme/shop@{commit}")

    def subjects(self) -> list[str]:
        return [mail["Content"]["Simple"]["Subject"]["Data"] for mail in self.mail_service.sent]


@pytest.fixture
def service(repository: Repository, builds_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    mail_service, github = FakeMailService(), FakeGitHub()
    service = Service(repository, mail_service, github)
    monkeypatch.setattr(clients, "_clients", {"sesv2": mail_service})
    with serve(service.answer) as url, serve(github.answer) as github_url:
        for name, value in {
            "MAIL_FROM": "ci@example.com",
            "BUILDS": "local",
            "BUILDS_FOLDER": str(builds_folder),
            "RUNNER_URL": f"{url}/webhooks/runner",
            "RUNNER_SECRET": SECRET,
            "GITHUB_API_URL": github_url,
            "GITHUB_TOKEN": "ghp_secret",
        }.items():
            monkeypatch.setenv(name, value)
        yield service


def test_a_push_that_is_delivered_ten_times_is_one_job_one_build_and_one_status_for_each_state(
    service: Service, tmp_path: Path
) -> None:
    commit = service.repository.commit(f"echo run >> {tmp_path}/runs")
    answers = []
    for _ in range(5):
        answers.append(service.push(commit))
    service.until(service.is_in("passed"))
    for _ in range(5):
        answers.append(service.push(commit))
    service.until(service.is_in("passed"))
    assert [(answer.status, answer.outcome) for answer in answers] == [(200, "accepted")] + [(200, "repeated")] * 9
    assert (tmp_path / "runs").read_text() == "run\n"
    assert service.states() == {JOB: "passed"}
    assert service.told(commit) == [
        ("pending", "Attempt 1 waits for its turn"),
        ("pending", "Attempt 1 is being built"),
        ("success", "Attempt 1 passed"),
    ]
    assert service.subjects() == [f"acme/shop@{commit[:8]} passed"]


def test_a_build_that_fails_is_told_and_a_retry_is_built_anew(service: Service, tmp_path: Path) -> None:
    commit = service.repository.commit(f"[ -e {tmp_path}/mended ]")
    service.push(commit)
    service.until(service.is_in("failed"))
    (tmp_path / "mended").touch()
    service.flow.fire("job", JOB, "retry")
    service.until(service.is_in("passed"))
    assert [state for state, _ in service.told(commit)] == [
        *("pending", "pending", "failure"),
        *("pending", "pending", "success"),
    ]
    assert service.subjects() == [f"acme/shop@{commit[:8]} {ended}" for ended in ("failed", "passed")]


def test_a_newer_push_stops_the_build_of_the_older_one_and_takes_its_place(service: Service, tmp_path: Path) -> None:
    first = service.repository.commit(f"echo $$ > {tmp_path}/pid; exec sleep 300")
    service.push(first)
    service.until((tmp_path / "pid").exists)
    second = service.repository.commit("true")
    service.push(second, 2)
    service.until(service.is_in("passed", "acme/shop-3"))
    assert service.states() == {JOB: "cancelled", "acme/shop-3": "passed"}
    assert service.told(first)[-1] == ("error", "Attempt 1 was cancelled")
    assert not Path(f"/proc/{(tmp_path / 'pid').read_text().strip()}/cmdline").exists()


def test_a_repository_builds_one_commit_after_the_other(service: Service, tmp_path: Path) -> None:
    script = f"echo begin $BRANCH >> {tmp_path}/runs; sleep 0.1; echo end $BRANCH >> {tmp_path}/runs"
    commit = service.repository.commit(script)
    for number, branch in enumerate(("a", "b", "c")):
        service.push(commit, number, ref=f"refs/heads/{branch}")
    service.until(lambda: set(service.states().values()) == {"passed"})
    lines = (tmp_path / "runs").read_text().split("\n")[:-1]
    assert [line.split()[0] for line in lines] == ["begin", "end"] * 3


@pytest.mark.parametrize(
    ("changes", "status", "outcome"),
    [
        ({"sender": "mallory"}, 403, "refused"),
        ({"repository": {"full_name": "acme/other"}}, 404, "unknown"),
        ({"ref": "refs/tags/v1"}, 204, "undeclared"),
        ({"deleted": True, "after": "0" * 40}, 204, "ignored"),
        ({"after": 7}, 422, "refused"),
    ],
)
def test_what_is_no_push_of_a_known_user_to_a_known_branch_makes_no_job(
    service: Service, changes: dict[str, object], status: int, outcome: str
) -> None:
    sender = str(changes.pop("sender", "eve"))
    answer = service.push("1" * 40, sender=sender, **changes)
    assert (answer.status, answer.outcome) == (status, outcome)
    service.until(lambda: True)
    assert service.states() == {}


def test_a_report_of_an_attempt_that_was_given_up_decides_nothing_and_a_repeated_one_nothing_more(
    service: Service, tmp_path: Path
) -> None:
    commit = service.repository.commit(f"while [ ! -e {tmp_path}/go ]; do sleep 0.02; done; exit $((ATTEMPT + 5))")
    service.push(commit)
    service.until(service.is_in("active"))
    service.flow.fire("job", JOB, "time_out")
    service.flow.fire("job", JOB, "retry")
    service.until(service.is_in("active"))
    # Of a build that could not be stopped.
    assert service.report(Report(JOB, 1, 0, "file:///log")).status == 403
    (tmp_path / "go").touch()
    service.until(service.is_in("failed"))
    ended = service.flow.get("job", JOB)
    assert (ended.data["attempt"], ended.data["exit_code"]) == (2, 7)
    assert service.report(Report(JOB, 2, 7, ended.data["log_url"])).outcome == "repeated"
    assert service.flow.get("job", JOB) == ended
