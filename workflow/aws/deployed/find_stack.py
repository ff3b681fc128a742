"""Which stack is meant, and what it is made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from workflow.aws.failures import translated
from workflow.errors import Refused

_TABLE_OUTPUT = "TableName"


class FindStackError(Refused):
    """There is no such stack, or none that holds the table."""


@dataclass(frozen=True, slots=True)
class Resource:
    """A part of a stack: its name in the template, its type, and what it is called in the account."""

    logical_id: str
    type: str
    physical_id: str


def find_stack(cloud: Any, table: str) -> str:
    """The name of the stack that made the table; '' if none did. Raises StoreAccessError, StoreUnavailableError.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStackResources.html
    """
    with translated(f"finding the stack of table {table}"):
        try:
            found = cloud.describe_stack_resources(PhysicalResourceId=table)["StackResources"]
            return str(found[0]["StackName"]) if found else ""
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") != "ValidationError":
                raise
        # A table that was taken over by a stack, or the embedded cloud, which knows stacks by their names alone.
        for page in cloud.get_paginator("describe_stacks").paginate():
            for stack in page["Stacks"]:
                if outputs_of(stack).get(_TABLE_OUTPUT) == table:
                    return str(stack["StackName"])
    return ""


def get_outputs(cloud: Any, stack: str) -> Mapping[str, str]:
    """The outputs of the stack. Raises FindStackError, StoreAccessError, StoreUnavailableError."""
    with translated(f"looking at stack {stack}"):
        try:
            return outputs_of(cloud.describe_stacks(StackName=stack)["Stacks"][0])
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") == "ValidationError":
                raise FindStackError(
                    f"there is no stack {stack!r} in {cloud.meta.region_name}; see AWS_PROFILE, AWS_DEFAULT_REGION and "
                    f"AWS_ENDPOINT_URL, or name another with --stack"
                ) from None
            raise


def outputs_of(stack: Mapping[str, Any]) -> Mapping[str, str]:
    """The outputs of a stack as DescribeStacks tells of it."""
    return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}


def resources_of(cloud: Any, stack: str) -> Sequence[Resource]:
    """What the stack is made of; those that are not there yet, or any more, are left out."""
    pages = cloud.get_paginator("list_stack_resources").paginate(StackName=stack)
    found = (one for page in pages for one in page["StackResourceSummaries"])
    return [
        Resource(one["LogicalResourceId"], one["ResourceType"], one["PhysicalResourceId"])
        for one in found
        if one.get("PhysicalResourceId")
    ]
