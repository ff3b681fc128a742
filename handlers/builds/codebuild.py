"""Builds by AWS CodeBuild."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from botocore.exceptions import ClientError

from handlers.builds.port import Build, BuildRefusedError, check, name_of
from handlers.builds.report import Report

_KEY = "BUILD_KEY"
# What stays so until a person has changed something; all else, throttling and a full account, passes.
# https://docs.aws.amazon.com/codebuild/latest/APIReference/API_StartBuild.html
_FOR_GOOD = frozenset({"InvalidInputException", "ResourceNotFoundException"})


class CodeBuilds:
    """Each build is one of the project's, which finds out by its environment what to build and how to report it: see
    `buildspec.yaml` beside this file."""

    def __init__(self, client: Any, *, project: str, runner_url: str, secret_name: str) -> None:
        self._client, self._project = client, project
        self._runner_url, self._secret_name = runner_url, secret_name

    def start(self, build: Build) -> None:
        """Starts the build, if it is not among the project's newest hundred."""
        check(build)
        # CodeBuild knows a token again for five minutes, and an effect may be tried again later than that.
        if self._find(build.key) is None:
            self._start(build)

    def _start(self, build: Build) -> None:
        try:
            self._client.start_build(
                projectName=self._project,
                idempotencyToken=name_of(build.key),
                sourceLocationOverride=build.clone_url,
                sourceVersion=build.commit,
                environmentVariablesOverride=list(self._environment(build)),
            )
        except ClientError as error:
            said = error.response["Error"]
            if said["Code"] in _FOR_GOOD:
                raise BuildRefusedError(f"{said['Code']}: {said['Message']}") from error
            raise

    def _environment(self, build: Build) -> Iterator[dict[str, str]]:
        plain = {
            _KEY: build.key,
            "JOB": build.job,
            "ATTEMPT": str(build.attempt),
            "REPOSITORY": build.repository,
            "BRANCH": build.branch,
            "COMMIT": build.commit,
            "RUNNER_URL": self._runner_url,
            "REPORT_ID": Report(build.job, build.attempt, 0, "").id,
        }
        for name, value in plain.items():
            yield {"name": name, "value": value, "type": "PLAINTEXT"}
        # By its name: what is given as text is shown to whoever may look at the build.
        yield {"name": "RUNNER_SECRET", "value": self._secret_name, "type": "PARAMETER_STORE"}

    def stop(self, key: str) -> None:
        """Stops the build if it is among the project's newest hundred and still runs."""
        found = self._find(key)
        if found is not None and found["buildStatus"] == "IN_PROGRESS":
            self._client.stop_build(id=found["id"])

    def _find(self, key: str) -> dict[str, Any] | None:
        ids = self._client.list_builds_for_project(projectName=self._project, sortOrder="DESCENDING")["ids"]
        # An empty list of ids is refused. https://docs.aws.amazon.com/codebuild/latest/APIReference/API_BatchGetBuilds.html
        builds = self._client.batch_get_builds(ids=ids[:100])["builds"] if ids else []
        return next((build for build in builds if _key_of(build) == key), None)


def _key_of(build: dict[str, Any]) -> str | None:
    variables = build["environment"].get("environmentVariables", [])
    return next((str(variable["value"]) for variable in variables if variable["name"] == _KEY), None)
