"""A deployed stack, looked up by its name, and believed only for what can be seen to work."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from workflow.aws.client import make_client
from workflow.local.errors import DeployError
from workflow.local.schedule import find_interval_seconds


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


def get_working_stack(endpoint_url: str, name: str) -> Stack:
    """Return the stack, whoever deployed it; raises DeployError, with the part, if one is missing or does not run."""
    stack = _described(endpoint_url, name)
    # The emulator reports a stack complete whose parts do not work: look at the parts.
    table = make_client("dynamodb", endpoint_url=endpoint_url)
    if "LatestStreamArn" not in table.describe_table(TableName=stack.table_name)["Table"]:
        raise DeployError(f"table {stack.table_name} has no stream")
    functions = make_client("lambda", endpoint_url=endpoint_url)
    # Side by side, for most of it is their cold start.
    with ThreadPoolExecutor(len(stack.functions)) as pool:
        list(pool.map(lambda function: _check(functions, function), stack.functions))
    return stack


def _described(endpoint_url: str, name: str) -> Stack:
    cloud = make_client("cloudformation", endpoint_url=endpoint_url)
    found = cloud.describe_stacks(StackName=name)["Stacks"][0]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in found.get("Outputs", [])}
    for needed in ("TableName", "StreamFunctionName", "SweepFunctionName"):
        if needed not in outputs:
            raise DeployError(f"template.yaml has no output {needed}; take it over from the framework's template")
    mapping_id = _mapping_id(endpoint_url, outputs["StreamFunctionName"])
    sweep_seconds = find_interval_seconds(endpoint_url, outputs["SweepFunctionName"])
    return Stack(name, endpoint_url, outputs, mapping_id, sweep_seconds)


def _mapping_id(endpoint_url: str, function_name: str) -> str:
    functions = make_client("lambda", endpoint_url=endpoint_url)
    found = functions.list_event_source_mappings(FunctionName=function_name)["EventSourceMappings"]
    streams = [mapping["UUID"] for mapping in found if ":dynamodb:" in mapping["EventSourceArn"]]
    if len(streams) != 1:
        raise DeployError(f"{function_name} has {len(streams)} DynamoDB event sources; the pump drives one")
    return str(streams[0])


def _check(functions: Any, name: str) -> None:
    # No records are delivered as nothing; a sweep is a sweep, and may come at any time; those behind the HTTP API
    # take it for a request for a page that is not there.
    answer = functions.invoke(FunctionName=name, Payload=json.dumps({"Records": []}).encode())
    if "FunctionError" in answer:
        problem = json.loads(answer["Payload"].read())
        raise DeployError(f"{name} does not run: {problem.get('errorMessage', problem)}")
