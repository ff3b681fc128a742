"""What is done to the deployed mapping and to its function's role by hand, the pump follows as Lambda does."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.integration.local.test_pump import seen, started, write
from workflow.aws.client import make_client
from workflow.local.deploy import Deployer
from workflow.local.embedded_cloud import EmbeddedCloud
from workflow.local.errors import NotIdleError, PumpError
from workflow.local.package import build
from workflow.local.pump import Delivery, Pump
from workflow.local.stack import Stack


@pytest.fixture(scope="module")
def stack(embedded_cloud: EmbeddedCloud, project: Any) -> Stack:
    """A deployment of its own, whose mapping others need not."""
    return Deployer(embedded_cloud.endpoint_url, "mapping").deploy(project / "template.yaml", build(project))


@pytest.fixture
def functions(stack: Stack) -> Any:
    return make_client("lambda", endpoint_url=stack.endpoint_url)


@pytest.fixture
def role(stack: Stack, functions: Any) -> Iterator[tuple[Any, str, str]]:
    """What changes the function's role, its name, and that of its own policy, which is as before afterwards."""
    iam = make_client("iam", endpoint_url=stack.endpoint_url)
    name = functions.get_function_configuration(FunctionName=stack.function_name)["Role"].rpartition("/")[2]
    (policy,) = iam.list_role_policies(RoleName=name)["PolicyNames"]
    before = iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]
    yield iam, name, policy
    iam.put_role_policy(RoleName=name, PolicyName=policy, PolicyDocument=json.dumps(before))


def test_while_the_mapping_is_disabled_nothing_is_read_and_afterwards_it_goes_on_from_there(
    stack: Stack, functions: Any
) -> None:
    deliveries: list[Delivery] = []
    with Pump(stack, on_delivery=deliveries.append) as pump:
        started(pump)
        functions.update_event_source_mapping(UUID=stack.mapping_id, Enabled=False)
        # A second later at the latest it has looked.
        time.sleep(1.5)
        before = pump.counters
        deliveries.clear()
        write(stack, "1", written="disabled")
        with pytest.raises(NotIdleError, match=rf"mapping {stack.mapping_id} is disabled or deleted$"):
            pump.wait_until_idle(timeout_seconds=1.5)
        assert pump.counters == before

        functions.update_event_source_mapping(UUID=stack.mapping_id, Enabled=True)
        pump.wait_until_idle(timeout_seconds=10)
    assert seen(deliveries) == [["order#1"]]


def test_a_mapping_made_anew_begins_where_it_says(stack: Stack, functions: Any) -> None:
    deliveries: list[Delivery] = []
    write(stack, "2", written="first")
    with Pump(stack, on_delivery=deliveries.append) as pump:
        started(pump)
        described = functions.delete_event_source_mapping(UUID=stack.mapping_id)
        deliveries.clear()
        settings = ("EventSourceArn", "StartingPosition", "BatchSize", "FilterCriteria", "FunctionResponseTypes")
        functions.create_event_source_mapping(
            FunctionName=stack.function_name, **{name: described[name] for name in settings}
        )
        time.sleep(1.5)
        pump.wait_until_idle(timeout_seconds=10)
    assert ["order#2"] in [keys[-1:] for keys in seen(deliveries)]


@pytest.mark.parametrize("action", ["dynamodb:GetRecords", "dynamodb:DescribeStream", "dynamodb:GetShardIterator"])
def test_the_stream_is_read_only_as_far_as_the_functions_role_allows(
    stack: Stack, role: tuple[Any, str, str], action: str
) -> None:
    iam, name, policy = role
    document = iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]
    (reading,) = [one for one in document["Statement"] if one["Sid"] == "ReadOwnStream"]
    reading["Action"].remove(action)
    iam.put_role_policy(RoleName=name, PolicyName=policy, PolicyDocument=json.dumps(document))
    mapping = make_client("lambda", endpoint_url=stack.endpoint_url).list_event_source_mappings(
        FunctionName=stack.function_name
    )
    with Pump(_with(stack, mapping["EventSourceMappings"][0]["UUID"])) as pump:  # noqa: SIM117
        with pytest.raises(PumpError, match=f"not authorized to perform: {action}"):
            pump.wait_until_idle(timeout_seconds=10)


def _with(stack: Stack, mapping_id: str) -> Stack:
    return Stack(stack.name, stack.endpoint_url, stack.outputs, mapping_id, stack.sweep_seconds)
