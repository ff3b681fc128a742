"""CodeBuild as its API says it behaves: boto3's own client, against a server of these four calls.

The embedded cloud has them too, but ends each build at once, and knows neither tokens nor variables.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml
from botocore.config import Config
from botocore.exceptions import ClientError

from handlers.builds import codebuild
from handlers.builds.codebuild import CodeBuilds
from handlers.builds.port import Build, BuildRefusedError
from handlers.builds.report import Report, signed
from tests.unit.handlers.builds.conftest import SECRET, Reports
from tests.unit.handlers.servers import Answered, Asked, serve

BUILD = Build("acme/shop-2", 1, "acme/shop", "main", "5f" * 20, "https://github.com/acme/shop.git")
NAME = "acme-shop-2-1-faecbb073ba3fed003ef"


class FakeCodeBuild:
    """Its builds, oldest first; a token that it knows, which is for five minutes only, starts no second one."""

    def __init__(self) -> None:
        self.builds: list[dict[str, Any]] = []
        self.tokens: dict[str, dict[str, Any]] = {}
        self.started: list[dict[str, Any]] = []
        self.first: list[Answered] = []

    def answer(self, asked: Asked) -> Answered:
        if self.first:
            return self.first.pop(0)
        call = asked.headers["x-amz-target"].rpartition(".")[2]
        return Answered(200, getattr(self, f"_{call}")(json.loads(asked.body)))

    def _StartBuild(self, given: dict[str, Any]) -> dict[str, Any]:  # noqa: N802 - AWS's name
        if given["idempotencyToken"] not in self.tokens:
            number = len(self.builds) + 1
            environment = {"environmentVariables": given["environmentVariablesOverride"]}
            build = {"id": f"ci:{number}", "buildStatus": "IN_PROGRESS", "environment": environment}
            self.builds.append(build)
            self.started.append(given)
            self.tokens[given["idempotencyToken"]] = build
        return {"build": self.tokens[given["idempotencyToken"]]}

    def _ListBuildsForProject(self, given: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        assert given == {"projectName": "ci", "sortOrder": "DESCENDING"}
        return {"ids": [build["id"] for build in reversed(self.builds)][:100]}

    def _BatchGetBuilds(self, given: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        assert 1 <= len(given["ids"]) <= 100
        return {"builds": [build for build in self.builds if build["id"] in given["ids"]]}

    def _StopBuild(self, given: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        (build,) = (build for build in self.builds if build["id"] == given["id"])
        build["buildStatus"] = "STOPPED"
        return {"build": build}


@pytest.fixture
def service() -> FakeCodeBuild:
    return FakeCodeBuild()


@pytest.fixture
def builds(service: FakeCodeBuild) -> Iterator[CodeBuilds]:
    with serve(service.answer) as url:
        client = boto3.client(
            "codebuild",
            endpoint_url=url,
            region_name="eu-central-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(retries={"total_max_attempts": 1}),
        )
        yield CodeBuilds(client, project="ci", runner_url="https://ci.example.com/webhooks/runner", secret_name="/r")
        client.close()


def test_a_build_is_told_what_to_build_and_how_to_report_it_and_the_secret_by_its_name(
    builds: CodeBuilds, service: FakeCodeBuild
) -> None:
    builds.start(BUILD)
    (given,) = service.started
    variables = given.pop("environmentVariablesOverride")
    assert given == {
        "projectName": "ci",
        "idempotencyToken": NAME,
        "sourceLocationOverride": "https://github.com/acme/shop.git",
        "sourceVersion": BUILD.commit,
    }
    assert {variable["name"]: (variable["value"], variable["type"]) for variable in variables} == {
        "BUILD_KEY": ("acme/shop-2#1", "PLAINTEXT"),
        "JOB": ("acme/shop-2", "PLAINTEXT"),
        "ATTEMPT": ("1", "PLAINTEXT"),
        "REPOSITORY": ("acme/shop", "PLAINTEXT"),
        "BRANCH": ("main", "PLAINTEXT"),
        "COMMIT": (BUILD.commit, "PLAINTEXT"),
        "RUNNER_URL": ("https://ci.example.com/webhooks/runner", "PLAINTEXT"),
        "REPORT_ID": (f"build-{NAME}", "PLAINTEXT"),
        "RUNNER_SECRET": ("/r", "PARAMETER_STORE"),
    }


def test_a_build_that_is_started_again_is_not_built_again_even_when_its_token_is_forgotten(
    builds: CodeBuilds, service: FakeCodeBuild
) -> None:
    builds.start(BUILD)
    builds.start(BUILD)
    service.tokens.clear()
    builds.start(BUILD)
    builds.start(BUILD._replace(attempt=2))
    keys = [variable["value"] for given in service.started for variable in given["environmentVariablesOverride"][:1]]
    assert keys == ["acme/shop-2#1", "acme/shop-2#2"]


def test_a_build_that_two_processes_start_at_once_is_one(
    builds: CodeBuilds, service: FakeCodeBuild, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Each looks before the other has started it.
    monkeypatch.setattr(codebuild.CodeBuilds, "_find", lambda *_: None)
    builds.start(BUILD)
    builds.start(BUILD)
    assert len(service.started) == 1


def test_the_one_build_is_stopped_and_only_while_it_runs(builds: CodeBuilds, service: FakeCodeBuild) -> None:
    for attempt in (1, 2, 3):
        builds.start(BUILD._replace(attempt=attempt))
    service.builds[2]["buildStatus"] = "SUCCEEDED"
    for key in ("acme/shop-2#2", "acme/shop-2#3", "never#1"):
        builds.stop(key)
    assert [build["buildStatus"] for build in service.builds] == ["IN_PROGRESS", "STOPPED", "SUCCEEDED"]


def test_nothing_is_stopped_where_nothing_was_built(builds: CodeBuilds, service: FakeCodeBuild) -> None:
    builds.stop(BUILD.key)
    assert service.builds == []


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("InvalidInputException", BuildRefusedError),
        ("AccountLimitExceededException", ClientError),
        ("ThrottlingException", ClientError),
    ],
)
def test_what_codebuild_refuses_for_good_is_a_refusal(
    builds: CodeBuilds, service: FakeCodeBuild, code: str, error: type[Exception]
) -> None:
    service.first = [Answered(200, {"ids": []}), Answered(400, {"__type": code, "message": "no"})]
    with pytest.raises(error, match=f"{code}.*no$"):
        builds.start(BUILD)


def test_what_is_no_commit_never_gets_to_codebuild(builds: CodeBuilds, service: FakeCodeBuild) -> None:
    with pytest.raises(BuildRefusedError):
        builds.start(BUILD._replace(commit="main"))
    assert service.started == []


@pytest.mark.parametrize(("script", "outcome", "exit_code"), [("true", "passed", 0), ("exit 3", "failed", 3)])
def test_the_buildspec_runs_the_script_and_reports_with_a_signature(
    tmp_path: Path, reports: Reports, runner_url: str, script: str, outcome: str, exit_code: int
) -> None:
    (tmp_path / "build.sh").write_text(f'#!/bin/sh\n[ -z "$RUNNER_SECRET" ] || exit 9\n{script}\n')
    (tmp_path / "build.sh").chmod(0o755)
    spec = yaml.safe_load((Path(codebuild.__file__).with_name("buildspec.yaml")).read_text())
    commands = [text for phase in ("build", "post_build") for text in spec["phases"][phase]["commands"]]
    job = 'acme/shop-2", "attempt": 7, "\\'
    told = {"JOB": job, "ATTEMPT": "1", "RUNNER_URL": runner_url, "RUNNER_SECRET": SECRET}
    told |= {"REPORT_ID": "build-x", "CODEBUILD_BUILD_URL": "https://console.aws.amazon.com/x", "PATH": "/usr/bin:/bin"}
    for command in commands:
        # A file of its own for each test, in place of the container's.
        own = command.replace("/tmp/exit-code", str(tmp_path / "exit-code"))
        subprocess.run(["sh", "-c", own], cwd=tmp_path, env=told, check=True)
    (asked,) = reports.asked
    assert json.loads(asked.body) == {
        "type": f"build.{outcome}",
        "data": {
            "job": job,
            "attempt": 1,
            "exit_code": exit_code,
            "log_url": "https://console.aws.amazon.com/x",
        },
    }
    expected = signed("build-x", int(asked.headers["webhook-timestamp"]), asked.body, SECRET)
    assert {name: asked.headers[name] for name in expected} == expected


def test_a_name_is_a_token_and_an_id_as_both_must_be() -> None:
    assert re.fullmatch(r"[A-Za-z0-9-]{1,64}", NAME)
    assert Report("acme/shop-2", 1, 0, "").id == f"build-{NAME}"
