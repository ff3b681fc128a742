"""Clients that may do what a role allows, and nothing else."""

from __future__ import annotations

from typing import Any

import botocore.session
from botocore.credentials import DeferredRefreshableCredentials, create_assume_role_refresher

from workflow.aws.client import make_client

_SESSION_NAME = "workflow"


def make_client_in_role(service: str, role_arn: str, *, endpoint_url: str, region: str = "us-east-1") -> Any:
    """A client that assumes the role with its first call, and again whenever that has expired."""
    asked = {"RoleArn": role_arn, "RoleSessionName": _SESSION_NAME}
    assume = create_assume_role_refresher(make_client("sts", endpoint_url=endpoint_url), asked)
    session = botocore.session.get_session({"profile": (None, None, None, None)})
    # What a session's own way to a role sets as well; that one wants the role in a profile.
    session._credentials = DeferredRefreshableCredentials(assume, "assume-role")
    return session.create_client(service, endpoint_url=endpoint_url, region_name=region)
