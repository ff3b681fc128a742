"""The CI scheduler, deployed to a cloud of its own, with a GitHub and git repositories on this machine."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from demo.ci.github import GitHub, Reply, deliver, push_body, serve_github
from demo.ci.sources import QUICK, Script, Sources
from handlers.builds.local import LocalBuilds
from handlers.builds.port import key_of
from handlers.builds.slot import find_holder
from workflow import Entity, Workflow
from workflow.local.errors import NotIdleError
from workflow.local.pump import Delivery
from workflow.local.session import LocalCloud, local_cloud
from workflow.settings import read_settings

PROJECT = Path(__file__).parents[2]
TOKEN_NAME = "/ci/github-token"
SECRET = "ssm:/workflow/github-webhook"
TIMER = "after: {20m: time_out}"
"""What a copy of the project shortens: nobody waits for twenty minutes here."""

_PARTS = ("definitions", "handlers", "webhooks")
_PATIENCE_SECONDS = 60


class Pushed(NamedTuple):
    """One push, as it was delivered, and the answer."""

    repository: str
    branch: str
    commit: str
    reply: Reply

    @property
    def job(self) -> str:
        """The job that it becomes."""
        return f"{self.repository}-{self.reply.content['version']}"


@dataclass
class Service:
    """What people, GitHub and workers do to the deployed application, and what can be seen of it."""

    cloud: LocalCloud
    flow: Workflow
    github: GitHub
    sources: Sources
    builds: LocalBuilds

    def register(
        self, name: str, *, users: Mapping[str, str], priorities: Mapping[str, int] | None = None
    ) -> dict[str, object]:
        """Makes a git repository of that name, and returns what the application is to know of it."""
        self.sources.make(name)
        return {
            "customer": name.partition("/")[0],
            "clone_url": self.sources.url(name),
            "users": dict(users),
            "priorities": dict(priorities or {}),
        }

    def push(
        self, repository: str, branch: str, script: Script = QUICK, *, sender: str = "eve", delivery: str = ""
    ) -> Pushed:
        """Commits, and delivers the push of it over HTTP."""
        commit = self.sources.commit(repository, script)
        return self.redeliver(repository, branch, commit, sender=sender, delivery=delivery)

    def redeliver(
        self, repository: str, branch: str, commit: str, *, sender: str = "eve", delivery: str = ""
    ) -> Pushed:
        """Delivers a push of a commit that is there."""
        reply = self.deliver(push_body(repository, branch, commit, sender), delivery=delivery)
        return Pushed(repository, branch, commit, reply)

    def deliver(
        self,
        content: object,
        *,
        told: str = "push",
        delivery: str = "",
        secret: bytes = b"",
        headers: Mapping[str, str] = MappingProxyType({}),
    ) -> Reply:
        """Delivers anything as GitHub does; `secret` signs it in place of the right one, `headers` are sent in place of
        the usual ones."""
        url = f"{self.cloud.webhook_url}/github"
        signed_with = secret or self.cloud.get_secret(SECRET)
        return deliver(url, signed_with, content, told=told, delivery=delivery, headers=headers)

    def job(self, id: str) -> Entity:
        """The job as it is now."""
        return self.flow.get("job", id)

    def is_in(self, id: str, *states: str) -> bool:
        """Whether the job is there, in one of the states."""
        found = self.flow.find("job", id)
        return found is not None and found.state in states

    def is_built(self, id: str, attempt: int = 1) -> bool:
        """Whether the job's build.sh has begun."""
        return key_of(id, attempt) in self.sources.runs()

    def worker(self, id: str, attempt: int = 1) -> int:
        """The process number of the worker that builds the job; 0 if none does."""
        holder = find_holder(self.builds.folder(key_of(id, attempt)))
        return holder.pid if holder is not None and holder.is_alive() else 0

    def kill_worker(self, id: str, attempt: int = 1) -> int:
        """Ends the job's worker as a power cut does, unasked and without a word, and returns what its number was."""
        pid = self.worker(id, attempt)
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        return pid

    def until(self, holds: Callable[[], bool], what: str, meanwhile: Callable[[], None] = lambda: None) -> None:
        """Waits until it holds; raises NotIdleError if it does not within a minute."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while not holds():
            if time.monotonic() > deadline:
                stand = ", ".join(f"{job.id} {job.state}" for job in self.flow.list("job"))
                raise NotIdleError(f"{what}: not within {_PATIENCE_SECONDS} s; {stand}")
            meanwhile()
            time.sleep(0.05)

    def settle(self) -> None:
        """Waits until the stream's Lambda has acknowledged everything."""
        self.cloud.pump.wait_until_idle(timeout_seconds=_PATIENCE_SECONDS)


@contextmanager
def ci_service(
    time_out: str,
    *,
    sweep_seconds: float,
    on_delivery: Callable[[Delivery], None] | None = None,
    on_step: Callable[[str], None] = lambda step: None,
) -> Iterator[Service]:
    """The application on a cloud of its own, its jobs timed out after `time_out`; nothing is left after the block.

    Raises what `local_cloud` raises.
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="workflow-ci-"))).resolve()
        builds = LocalBuilds(folder / "builds", runner_url="", secret=str)
        # After the cloud, which could start another one, and before the folder goes.
        stack.callback(builds.stop_all)
        github = stack.enter_context(serve_github("ghp_of_this_machine"))
        project = copy_of_the_project(folder / "project", time_out)
        cloud = stack.enter_context(
            local_cloud(project, sweep_seconds=sweep_seconds, on_delivery=on_delivery, on_step=on_step)
        )
        on_step("telling the functions where builds report to and where statuses go")
        cloud.put_secret(f"ssm:{TOKEN_NAME}", github.token)
        cloud.redeploy(
            {
                "Builds": "local",
                "BuildsFolder": str(folder / "builds"),
                "RunnerUrl": f"{cloud.webhook_url}/runner",
                "GithubApiUrl": github.url,
                "GithubTokenName": TOKEN_NAME,
            }
        )
        flow = Workflow.from_settings(read_settings(cloud.env))
        yield Service(cloud, flow, github, Sources(folder / "sources"), builds)


def copy_of_the_project(folder: Path, time_out: str) -> Path:
    """The repository's own project in another folder, with its jobs' timer at another time."""
    folder.mkdir()
    for name in ("template.yaml", "pyproject.toml"):
        shutil.copy(PROJECT / name, folder)
    for name in _PARTS:
        shutil.copytree(PROJECT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    file = folder / "definitions" / "job.yaml"
    text = file.read_text(encoding="utf-8")
    assert text.count(TIMER) == 1, f"definitions/job.yaml has no `{TIMER}` any more"
    file.write_text(text.replace(TIMER, f"after: {{{time_out}: time_out}}"), encoding="utf-8")
    return folder
