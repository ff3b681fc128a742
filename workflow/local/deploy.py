"""Deploy a SAM template to the embedded cloud, and believe only what can be seen to work afterwards."""

from __future__ import annotations

import json
import re
import tempfile
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from workflow.aws.client import make_client
from workflow.local.errors import DeployError
from workflow.local.package import zip_folder
from workflow.local.schedule import take_over

DEFAULT_STACK_NAME = "workflow"
HANDLERS_PARAMETER = "HandlerModules"
_BUCKET = "workflow-artifacts"
_POLL_SECONDS = 0.05
_STACK_TIMEOUT_SECONDS = 60
_CODE_URI = re.compile(r"^(?P<indent> *)CodeUri:.*$", re.MULTILINE)
_PARAMETERS = re.compile(r"^Parameters:.*\n(?P<names>(?:[ #].*\n|\n)*)", re.MULTILINE)
_STREAM_EVENT = re.compile(r"^(?P<indent> *)Stream: .*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Stack:
    """A deployed template: what its outputs name, the stream mapping that the pump drives, and how often to sweep."""

    name: str
    endpoint_url: str
    outputs: dict[str, str]
    mapping_id: str
    sweep_seconds: float

    @property
    def table_name(self) -> str:
        """The table of entities."""
        return self.outputs["TableName"]

    @property
    def function_name(self) -> str:
        """The function that the table's stream wakes."""
        return self.outputs["StreamFunctionName"]

    @property
    def sweep_function_name(self) -> str:
        """The function that the schedule wakes."""
        return self.outputs["SweepFunctionName"]

    @property
    def webhook_url(self) -> str:
        """Where webhooks are posted to, each to its own source beneath it; '' for a template that takes none."""
        return self._address("WebhookUrl")

    @property
    def api_url(self) -> str:
        """Where entities are over HTTP, each at its kind and id beneath it; '' for a template that has no such API."""
        return self._address("EntityApiUrl")

    def _address(self, output: str) -> str:
        # On AWS the output is the address. Here its host has the API's id in front of a name that not every machine
        # resolves, so the id goes into the path.
        address = urlsplit(self.outputs.get(output, ""))
        api = (address.hostname or "").partition(".")[0]
        return f"{self.endpoint_url}/_aws/execute-api/{api}{address.path}" if api else ""

    @property
    def functions(self) -> list[str]:
        """The framework's functions."""
        named = ("StreamFunctionName", "SweepFunctionName", "WebhookFunctionName", "ApiFunctionName")
        return [self.outputs[name] for name in named if name in self.outputs]


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

    def deploy(self, template: Path, code: Path, parameters: Mapping[str, str] = MappingProxyType({})) -> Stack:
        """Bring the stack to `template` with the built folder `code`, and return it once it works.

        Of `parameters` those are passed that the template has; the others keep their defaults. New code that does not
        run is taken back.
        """
        text = template.read_text(encoding="utf-8")
        given = {name: value for name, value in parameters.items() if has_parameter(text, name)}
        code_key = self._upload(code)
        if (text, given) != (self._template, self._parameters):
            self._apply(_for_the_cloud(text, code_key), given)
            stack = self._describe()
            self._check(stack)
        else:
            stack = self._redeploy(code_key)
        self._template, self._parameters, self._code_key = text, given, code_key
        return stack

    def _redeploy(self, code_key: str) -> Stack:
        if code_key != self._code_key:
            self._replace_code(code_key)
        try:
            stack = self._describe()
            self._check(stack)
        except DeployError:
            self._replace_code(self._code_key)
            raise
        return stack

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
        try:
            change(
                StackName=self._stack_name,
                TemplateBody=body,
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

    def _describe(self) -> Stack:
        outputs = {output["OutputKey"]: output["OutputValue"] for output in self._stack().get("Outputs", [])}
        for needed in ("TableName", "StreamFunctionName", "SweepFunctionName"):
            if needed not in outputs:
                raise DeployError(f"template.yaml has no output {needed}; take it over from the framework's template")
        mapping_id = self._mapping_id(outputs["StreamFunctionName"])
        sweep_seconds = take_over(self._endpoint_url, outputs["SweepFunctionName"])
        return Stack(self._stack_name, self._endpoint_url, outputs, mapping_id, sweep_seconds)

    def _mapping_id(self, function_name: str) -> str:
        found = self._functions.list_event_source_mappings(FunctionName=function_name)["EventSourceMappings"]
        streams = [mapping["UUID"] for mapping in found if ":dynamodb:" in mapping["EventSourceArn"]]
        if len(streams) != 1:
            raise DeployError(f"{function_name} has {len(streams)} DynamoDB event sources; the pump drives one")
        # The template's copy says so already; this also covers a mapping written out as a resource of its own.
        self._functions.update_event_source_mapping(UUID=streams[0], Enabled=False)
        return str(streams[0])

    def _check(self, stack: Stack) -> None:
        # The emulator reports a stack complete whose parts do not work: look at the parts.
        table = make_client("dynamodb", endpoint_url=self._endpoint_url)
        description = table.describe_table(TableName=stack.table_name)["Table"]
        if "LatestStreamArn" not in description:
            raise DeployError(f"table {stack.table_name} has no stream")
        # Side by side, for most of it is their cold start.
        with ThreadPoolExecutor(len(stack.functions)) as pool:
            list(pool.map(self._check_function, stack.functions))

    def _check_function(self, name: str) -> None:
        # No records are delivered as nothing; a sweep is a sweep, and may come at any time; those behind the HTTP API
        # take it for a request for a page that is not there.
        answer = self._functions.invoke(FunctionName=name, Payload=json.dumps({"Records": []}).encode())
        if "FunctionError" in answer:
            problem = json.loads(answer["Payload"].read())
            raise DeployError(f"{name} does not run: {problem.get('errorMessage', problem)}")


def _for_the_cloud(template: str, code_key: str) -> str:
    """Return the template with its code in the bucket, and its stream mapping there but switched off for the pump."""
    # Text, not YAML: the intrinsic functions' tags and the comments survive.
    text, functions = _CODE_URI.subn(rf"\g<indent>CodeUri: {{Bucket: {_BUCKET}, Key: {code_key}}}", template)
    if not functions:
        raise DeployError("template.yaml has no line `CodeUri: ...`: which function should get the code?")
    return _STREAM_EVENT.sub(lambda line: f"{line[0]}\n{line['indent']}Enabled: false", text)


def has_parameter(template: str, name: str) -> bool:
    """Return whether the template declares the parameter; AWS refuses a stack that is given another."""
    section = _PARAMETERS.search(template)
    return section is not None and re.search(rf"^ +{name}:", section["names"], re.MULTILINE) is not None


def _message(error: Any) -> str:
    return str(error.response["Error"]["Message"])
