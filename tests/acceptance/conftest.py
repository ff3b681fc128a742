"""The repository's own project, deployed once to an embedded cloud for all the stories of this folder."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
import urllib3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from demo.ci.facts import Histories, Span
from demo.ci.service import Pushed, Service, ci_service
from tests.shipped import HANDLERS
from workflow import Workflow
from workflow.aws.client import make_client
from workflow.local.deploy import Deployer
from workflow.local.embedded_cloud import ACCESS_KEY, REGION
from workflow.local.mailbox import Mail, verify_sender
from workflow.local.pump import Delivery
from workflow.local.sam import SamDeployer
from workflow.local.session import LocalCloud, local_cloud
from workflow.settings import read_settings

REPOSITORY = Path(__file__).parents[2]
TIMEOUT_SECONDS = 30
CALLS = "calls.jsonl"
"""The file in a project's folder that gets a line for each call of its functions, whether they may make it or not."""

TIME_OUT_SECONDS = 2
"""After so long a job of the CI scheduler is timed out, by the sweep that follows."""

TRIAL = """\
kind: trial
version: 1
initial: offered
data:
  poison: {type: boolean, default: false}
states:
  offered: {after: {1s: expire}}
  begun: {on_enter: [work, wrap_up]}
  expired: {final: true, on_enter: [wrap_up]}
transitions:
  begin: {from: offered, to: begun}
  expire: {from: [offered, begun], to: expired}
"""
TRIAL_HOOKS = """\
from workflow import hook


@hook
def work(effect):
    if effect.entity.data["poison"]:
        raise ValueError("this one always fails")


@hook
def wrap_up(effect):
    pass
"""


@dataclass(frozen=True)
class Deployed:
    """The deployed application, and what can be seen of its doings from outside."""

    cloud: LocalCloud
    flow: Workflow
    deliveries: list[Delivery]
    """What the pump gave to the Lambda so far, and how much of it was acknowledged."""

    @property
    def dynamodb(self) -> Any:
        return make_client("dynamodb", endpoint_url=self.cloud.endpoint_url)

    @property
    def mail_service(self) -> Any:
        return make_client("ses", endpoint_url=self.cloud.endpoint_url)

    def ask(self, method: str, path: str, content: object = None) -> int:
        """A signed request for an entity, over HTTP, and the status of its answer."""
        url, body = f"{self.cloud.stack.api_url}/{path}", json.dumps(content).encode() if content else b""
        request = AWSRequest(method, url, headers={"Content-Type": "application/json"}, data=body)
        SigV4Auth(Credentials(ACCESS_KEY, "local"), "execute-api", REGION).add_auth(request)
        return urllib3.request(method, url, body=body, headers=dict(request.headers), retries=False).status

    def settle(self) -> None:
        """Waits until the Lambda has acknowledged everything."""
        self.cloud.pump.wait_until_idle(timeout_seconds=TIMEOUT_SECONDS)

    def sweep(self) -> Mapping[str, int]:
        """Sweeps once, as the schedule does, and returns what there was of what was to do."""
        return {name: count for name, count in self.cloud.sweep().items() if count}

    def verify_sender(self) -> None:
        """Lets SES send the shop's mails."""
        verify_sender(self.cloud.endpoint_url, self.cloud.env["MAIL_FROM"])

    def forget_sender(self) -> None:
        """Has SES refuse the shop's mails: it no longer knows who sends them."""
        self.mail_service.delete_identity(Identity=self.cloud.env["MAIL_FROM"])

    def why(self, kind: str, id: str) -> str:
        """What `explain` says first."""
        return self.flow.operations.explain(kind, id).reasons[0].what

    def mails_to(self, recipient: str) -> list[Mail]:
        """The mails that one address got, in order."""
        return [mail for mail in self.cloud.mails() if mail.recipients == (recipient,)]

    def subjects_to(self, recipient: str) -> list[str]:
        """What the mails to one address are about, in order."""
        return [mail.subject for mail in self.mails_to(recipient)]

    def order_history(self, email: str) -> list[tuple[str, str]]:
        """Line and state of one customer's order history."""
        found = self.dynamodb.query(
            TableName=self.cloud.env["ORDER_HISTORY_TABLE"],
            KeyConditionExpression="email = :email",
            ExpressionAttributeValues={":email": {"S": email}},
        )
        return [(item["line"]["S"], item["state"]["S"]) for item in found["Items"]]

    def items(self, pk: str) -> list[dict[str, Any]]:
        """Everything that the table holds of one entity."""
        found = self.dynamodb.query(
            TableName=self.cloud.stack.table_name,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": {"S": pk}},
            ConsistentRead=True,
        )
        return list(found["Items"])

    def effects(self, kind: str, id: str) -> dict[str, tuple[str, int]]:
        """Status and attempts of each effect of one entity, by `version hook`, in the order they run."""
        return {
            f"{entry.version} {hook}": (outcome.status, outcome.attempts)
            for entry in self.flow.effects(kind, id)
            for hook, outcome in entry.outcomes.items()
        }


def eventually(holds: Callable[[], bool]) -> None:
    """Waits until it holds; fails if it does not in time."""
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while not holds():
        assert time.monotonic() < deadline, "it never came to hold"
        time.sleep(0.05)


def an_order(email: str, total: object = "59.90") -> dict[str, object]:
    """The data of an order of that customer."""
    lines = [{"sku": "MUG", "quantity": 2, "price": "29.95"}]
    return {"email": email, "name": "Ada", "currency": "EUR", "total": total, "lines": lines}


def copy_of_the_project(folder: Path) -> Path:
    """The repository's own project in a folder of its own: another run would build into the same place."""
    shutil.copy(REPOSITORY / "template.yaml", folder)
    for part in ("definitions", "handlers", "webhooks"):
        shutil.copytree(REPOSITORY / part, folder / part)
    return folder


def add_kind(project: Path, kind: str, definition: str, hooks: str) -> None:
    """Adds a kind of a test's own, whose states come fast or whose hooks fail, beside those of the project."""
    (project / "definitions" / f"{kind}.yaml").write_text(definition)
    (project / "handlers" / f"{kind}.py").write_text(hooks)
    modules = [*HANDLERS, f"handlers.{kind}"]
    (project / "pyproject.toml").write_text(f"[tool.workflow]\nhandlers = {modules}\n")


@contextmanager
def deploy(project: Path, deployer: type[Deployer | SamDeployer] = Deployer) -> Iterator[Deployed]:
    """The project on a cloud of its own, which sweeps when a test says so."""
    deliveries: list[Delivery] = []
    calls = project / CALLS
    with (
        patch.dict(os.environ, {"EMULATOR_CALLS": str(calls)}),
        local_cloud(project, on_delivery=deliveries.append, sweep_seconds=3600, deployer=deployer) as cloud,
    ):
        yield Deployed(cloud, flow_of(cloud), deliveries)


def flow_of(cloud: LocalCloud) -> Workflow:
    """What a program of its own has that knows the definitions that are deployed now."""
    # A test's own hooks exist in the package alone.
    settings = replace(read_settings(cloud.env), handlers=HANDLERS)
    return Workflow.from_settings(settings, hooks_required=False)


@pytest.fixture(scope="session")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    """The kinds of the project, and one more whose hooks do what an entity asks of them."""
    project = copy_of_the_project(tmp_path_factory.mktemp("project"))
    add_kind(project, "trial", TRIAL, TRIAL_HOOKS)
    with deploy(project) as deployed:
        yield deployed


class Ci:
    """The CI scheduler, whose timers fire when a test sweeps; each test has repositories of its own."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self._numbers = count(1)
        self.known = self.repository()
        """A repository that gets no push that is taken."""

    def repository(self, *, priorities: Mapping[str, int] | None = None) -> str:
        """Makes a repository to which eve may push, and returns its name."""
        # Of two digits, so that none is the beginning of another.
        name = f"acme/r{next(self._numbers):02}"
        known = self.service.register(name, users={"eve": "eve@example.com"}, priorities=priorities)
        self.service.flow.create("repository", name, known)
        return name

    def until(self, holds: Callable[[], bool]) -> None:
        """Waits until it holds, and every hook has run."""
        self.service.until(holds, "it never came to hold")
        self.service.settle()

    def until_in(self, state: str, *jobs: str) -> None:
        """Waits until all of the jobs are in that state."""
        self.until(lambda: all(self.service.is_in(job, state) for job in jobs))

    def until_timed_out(self, job: str) -> None:
        """Sweeps until the job is timed out."""

        def is_timed_out() -> bool:
            self.service.cloud.sweep()
            return self.service.is_in(job, "timed_out")

        self.until(is_timed_out)

    def jobs(self, repository: str) -> dict[str, list[str]]:
        """The states that each of the repository's jobs was in, by job, in the order they were opened."""
        return {
            job: [event.target for event in events]
            for job, events in self._histories.jobs.items()
            if self._histories.repository_of[job] == repository
        }

    def spans(self, job: str) -> list[Span]:
        """The states that the job was in, one after the other."""
        return self._histories.spans(job)

    def runs(self, repository: str) -> list[Span]:
        """The repository's builds, in the order they were started."""
        return self._histories.runs(repository)

    def builds(self, repository: str) -> list[str]:
        """`job#attempt` of each of the repository's builds that really ran, in that order."""
        return [run for run in self.service.sources.runs() if run.startswith(f"{repository}-")]

    def statuses(self, pushed: Pushed) -> list[tuple[str, str]]:
        """State and description of the statuses that the pushed commit got on GitHub, in order."""
        return self.service.github.statuses(pushed.repository, pushed.commit)

    def mails(self, repository: str) -> list[tuple[str, str]]:
        """To whom and about what the repository's mails are, in order."""
        return [(mail.recipients[0], mail.subject) for mail in self.service.cloud.mails() if repository in mail.subject]

    @property
    def _histories(self) -> Histories:
        return Histories(self.service.flow)


@pytest.fixture(scope="session")
def ci() -> Iterator[Ci]:
    """The CI scheduler on a cloud of its own, with builds as processes of this machine."""
    with ci_service(f"{TIME_OUT_SECONDS}s", sweep_seconds=3600) as service:
        yield Ci(service)
