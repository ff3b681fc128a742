"""What AWS does of itself once a function's tracing is active: the function knows where its daemon is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from workflow.aws.client import make_client
from workflow.local.session import LocalCloud


def trace_functions(cloud: LocalCloud, address: str) -> Callable[[], None]:
    """Has the cloud's functions traced by X-Ray, with a daemon at that address; what it returns undoes it."""
    client = make_client("lambda", endpoint_url=cloud.endpoint_url)
    before = {name: _variables(client, name) for name in cloud.stack.functions}
    more = {"WORKFLOW_TRACING": "xray", "AWS_XRAY_DAEMON_ADDRESS": address}
    for name, variables in before.items():
        _set(client, name, variables | more, "Active")
    for name in before:
        # It starts anew, which is no part of any story: with nothing to deliver, as after a deployment.
        client.invoke(FunctionName=name, Payload=b'{"Records": []}')

    def undo() -> None:
        for name, variables in before.items():
            _set(client, name, variables, "PassThrough")

    return undo


@contextmanager
def functions_traced(cloud: LocalCloud, address: str) -> Iterator[None]:
    """The same until the block ends."""
    undo = trace_functions(cloud, address)
    try:
        yield
    finally:
        undo()


def _variables(client: Any, name: str) -> dict[str, str]:
    found: dict[str, str] = client.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    return found


def _set(client: Any, name: str, variables: dict[str, str], mode: str) -> None:
    client.update_function_configuration(
        FunctionName=name, Environment={"Variables": variables}, TracingConfig={"Mode": mode}
    )
