"""Deploy a SAM template to the embedded cloud the quick way: no SAM, and of a redeploy only what changed."""

from __future__ import annotations

import re
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from workflow.aws.client import make_client
from workflow.local.errors import DeployError
from workflow.local.package import build, zip_folder
from workflow.local.stack import Stack, get_working_stack

DEFAULT_STACK_NAME = "workflow"
HANDLERS_PARAMETER = "HandlerModules"
_BUCKET = "workflow-artifacts"
_TEMPLATE_KEY = "template.yaml"
_POLL_SECONDS = 0.05
_STACK_TIMEOUT_SECONDS = 60
_CODE_URI = re.compile(r"^(?P<indent> *)CodeUri:.*$", re.MULTILINE)
_PARAMETERS = re.compile(r"^Parameters:.*\n(?P<names>(?:[ #].*\n|\n)*)", re.MULTILINE)


class Deployer:
    """Deploys one template to one cloud, and remembers what it deployed so that a redeploy does no more than needed.

    `deploy` raises DeployError if the stack fails, or if a function it made cannot be imported.
    """

    def __init__(self, endpoint_url: str, stack_name: str = DEFAULT_STACK_NAME) -> None:
        self._endpoint_url = endpoint_url
        self._stack_name = stack_name
        self._cloud = make_client("cloudformation", endpoint_url=endpoint_url)
        self._functions = make_client("lambda", endpoint_url=endpoint_url)
        self._storage = make_client("s3", endpoint_url=endpoint_url)
        self._template: str | None = None
        self._parameters: dict[str, str] = {}
        self._code_key = ""
        self._bucket_exists = False

    @staticmethod
    def build(project: Path) -> Path:
        """Build the project's functions and return their folder; raises what building raises."""
        return build(project)

    def deploy(self, template: Path, code: Path, parameters: Mapping[str, str] = MappingProxyType({})) -> Stack:
        """Bring the stack to `template` with the built folder `code`, and return it once it works.

        Of `parameters` those are passed that the template has; the others keep their defaults. New code that does not
        run is taken back.
        """
        text = template.read_text(encoding="utf-8")
        given = given_of(text, parameters)
        code_key = self._upload(code)
        if (text, given) != (self._template, self._parameters):
            self._apply(_for_the_cloud(text, code_key), given)
            stack = get_working_stack(self._endpoint_url, self._stack_name)
        else:
            stack = self._redeploy(code_key)
        self._template, self._parameters, self._code_key = text, given, code_key
        return stack

    def _redeploy(self, code_key: str) -> Stack:
        if code_key != self._code_key:
            self._replace_code(code_key)
        try:
            return get_working_stack(self._endpoint_url, self._stack_name)
        except DeployError:
            self._replace_code(self._code_key)
            raise

    def _upload(self, code: Path) -> str:
        if not self._bucket_exists:
            self._storage.create_bucket(Bucket=_BUCKET)
            self._bucket_exists = True
        with tempfile.TemporaryDirectory(prefix="stream-workflow-") as folder:
            archive = Path(folder, "code.zip")
            key = f"{zip_folder(code, archive)}.zip"
            if key != self._code_key:
                self._storage.put_object(Bucket=_BUCKET, Key=key, Body=archive.read_bytes())
        return key

    def _apply(self, body: str, parameters: Mapping[str, str]) -> None:
        change = self._cloud.create_stack if self._template is None else self._cloud.update_stack
        # By a bucket: a request itself takes a template of 51,200 bytes at most, as on AWS.
        self._storage.put_object(Bucket=_BUCKET, Key=_TEMPLATE_KEY, Body=body.encode())
        try:
            change(
                StackName=self._stack_name,
                TemplateURL=f"{self._endpoint_url}/{_BUCKET}/{_TEMPLATE_KEY}",
                Parameters=[{"ParameterKey": name, "ParameterValue": value} for name, value in parameters.items()],
                Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
            )
        except self._cloud.exceptions.ClientError as error:
            raise DeployError(f"template.yaml was refused: {_message(error)}") from None
        self._wait()

    def _wait(self) -> None:
        deadline = time.monotonic() + _STACK_TIMEOUT_SECONDS
        while (status := self._stack()["StackStatus"]).endswith("_IN_PROGRESS"):
            if time.monotonic() > deadline:
                raise DeployError(f"template.yaml is still {status} after {_STACK_TIMEOUT_SECONDS} s")
            time.sleep(_POLL_SECONDS)
        if status not in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
            raise DeployError(f"template.yaml was not deployed ({status}):\n{self._failures()}")

    def _failures(self) -> str:
        events = self._cloud.describe_stack_events(StackName=self._stack_name)["StackEvents"]
        failed = [event for event in reversed(events) if event["ResourceStatus"].endswith("_FAILED")]
        lines = [f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason', '')}" for event in failed]
        return "\n".join(lines) or "(the emulator gives no reason)"

    def _stack(self) -> Any:
        return self._cloud.describe_stacks(StackName=self._stack_name)["Stacks"][0]

    def _replace_code(self, code_key: str) -> None:
        resources = self._cloud.describe_stack_resources(StackName=self._stack_name)["StackResources"]
        for resource in resources:
            if resource["ResourceType"] == "AWS::Lambda::Function":
                self._functions.update_function_code(
                    FunctionName=resource["PhysicalResourceId"], S3Bucket=_BUCKET, S3Key=code_key
                )


def _for_the_cloud(template: str, code_key: str) -> str:
    """Return the template with its code in the bucket."""
    # Text, not YAML: the intrinsic functions' tags and the comments survive.
    text, functions = _CODE_URI.subn(rf"\g<indent>CodeUri: {{Bucket: {_BUCKET}, Key: {code_key}}}", template)
    if not functions:
        raise DeployError("template.yaml has no line `CodeUri: ...`: which function should get the code?")
    return text


def given_of(template: str, parameters: Mapping[str, str]) -> dict[str, str]:
    """Return those of the parameters that the template has."""
    return {name: value for name, value in parameters.items() if has_parameter(template, name)}


def has_parameter(template: str, name: str) -> bool:
    """Return whether the template declares the parameter; AWS refuses a stack that is given another."""
    section = _PARAMETERS.search(template)
    return section is not None and re.search(rf"^ +{name}:", section["names"], re.MULTILINE) is not None


def _message(error: Any) -> str:
    return str(error.response["Error"]["Message"])
