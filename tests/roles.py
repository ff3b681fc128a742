"""What a deployed stack's roles may do, by their policies, and what they did, by the embedded cloud's record of it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, NamedTuple

from workflow.aws.client import make_client

_LEADING_KEYS = {"ForAllValues:StringLike": "dynamodb:LeadingKeys"}


class Call(NamedTuple):
    """What a role asked for; of a transaction each part by itself."""

    role: str
    action: str
    resource: str
    keys: tuple[str, ...] = ()


class Grant(NamedTuple):
    """One action on one resource that a statement allows, and the roles that have it."""

    roles: frozenset[str]
    sid: str
    action: str
    resource: str
    keys: tuple[str, ...] = ("*",)

    def allows(self, call: Call) -> bool:
        """Whether it is this that lets the call pass."""
        return (
            call.role in self.roles
            and fnmatchcase(call.action, self.action)
            and fnmatchcase(call.resource, self.resource)
            and all(any(fnmatchcase(key, pattern) for pattern in self.keys) for key in call.keys)
        )

    def __str__(self) -> str:
        return f"{self.sid} of {', '.join(sorted(self.roles))}: {self.action} on {self.resource}"


def read_calls(file: Path, roles: Mapping[str, str]) -> set[Call]:
    """The calls of the roles, which `roles` gives by their name at the cloud."""
    lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    named = [line for line in lines if line["role"] in roles]
    return {Call(roles[one["role"]], one["action"], one["resource"], tuple(one["keys"])) for one in named}


def find_roles(endpoint_url: str, stack: str) -> dict[str, str]:
    """What the template calls each role that the stack's functions run in, by its name at the cloud."""
    cloud = make_client("cloudformation", endpoint_url=endpoint_url)
    resources = cloud.describe_stack_resources(StackName=stack)["StackResources"]
    named = {one["PhysicalResourceId"]: one["LogicalResourceId"] for one in resources}
    functions = make_client("lambda", endpoint_url=endpoint_url).list_functions()["Functions"]
    running = [function["Role"].rpartition("/")[2] for function in functions if function["FunctionName"] in named]
    return {role: named[role] for role in running}


def read_grants(endpoint_url: str, roles: Mapping[str, str]) -> list[Grant]:
    """All that the policies of the roles allow, their own and those they share, one action on one resource each."""
    iam = make_client("iam", endpoint_url=endpoint_url)
    shared: dict[str, set[str]] = {}
    grants: list[Grant] = []
    for name, role in roles.items():
        for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]:
            document = iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]
            grants += _granted(document, frozenset([role]))
        for attached in iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]:
            shared.setdefault(attached["PolicyArn"], set()).add(role)
    for arn, having in shared.items():
        version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
        document = iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]
        grants += _granted(document, frozenset(having))
    return grants


def _granted(document: Any, roles: frozenset[str]) -> Iterator[Grant]:
    for statement in (json.loads(document) if isinstance(document, str) else document)["Statement"]:
        assert statement["Effect"] == "Allow", statement
        keys = tuple(
            pattern
            for operator, key in _LEADING_KEYS.items()
            for pattern in _listed(statement.get("Condition", {}).get(operator, {}).get(key, "*"))
        )
        for action in _listed(statement["Action"]):
            for resource in _listed(statement["Resource"]):
                yield Grant(roles, statement["Sid"], action, resource, keys)


def _listed(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value)
