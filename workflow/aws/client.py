"""Where clients come from: the only place that builds one."""

from __future__ import annotations

import os
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import botocore.session
from botocore.config import Config

from workflow.version import VERSION

_LOOPBACK_HOSTS = {"127.0.0.1", "localhost", "::1"}
_POOL_CONNECTIONS = 64


def make_client(
    service: str, *, endpoint_url: str | None = None, region: str | None = None, access_key: str | None = None
) -> Any:
    """A client as boto3 would make it; at a loopback endpoint it never uses, nor needs, the credentials of a laptop."""
    # A function on the embedded cloud has a role, like any: with our key it would be allowed what the role forgot.
    on_a_laptop = "AWS_LAMBDA_FUNCTION_NAME" not in os.environ
    if access_key is None and on_a_laptop and endpoint_url and urlsplit(endpoint_url).hostname in _LOOPBACK_HOSTS:
        access_key = "000000000000"
    config = _CONFIGS.get(service, Config)()
    if access_key is None:
        return _session().create_client(service, endpoint_url=endpoint_url, config=config, region_name=region)
    return _session_without_profile().create_client(
        service,
        endpoint_url=endpoint_url,
        config=config,
        region_name=region or "us-east-1",
        aws_access_key_id=access_key,
        aws_secret_access_key="local",
    )


@cache
def _session() -> botocore.session.Session:
    # What boto3.client() calls underneath. Importing boto3 itself adds a third to a cold start, for S3 transfers.
    return botocore.session.get_session()


@cache
def _session_without_profile() -> botocore.session.Session:
    # With credentials given, a profile that AWS_PROFILE names need not even exist.
    return botocore.session.get_session({"profile": (None, None, None, None)})


@cache
def _dynamodb_config() -> Config:
    """Nearly half of a DynamoDB call was botocore preparing what we know to be right already: `make bench` shows it."""
    return Config(
        # Our requests are built by code with types and tests, not by hand: 18 % and more of a call.
        parameter_validation=False,
        # A given text instead of one put together twice for each request: 15 %.
        user_agent=f"stream-workflow/{VERSION} Botocore/{botocore.__version__}",
        # Otherwise each request's table names are searched for an account id to choose an endpoint by: 10 %.
        account_id_endpoint_mode="disabled",
        # Few and short: what matters is tried again above, under the same token, and a Lambda has no minutes to wait.
        retries={"mode": "standard", "total_max_attempts": 3},
        connect_timeout=2,
        read_timeout=5,
        max_pool_connections=_POOL_CONNECTIONS,
        tcp_keepalive=True,
    )


@cache
def _lambda_config() -> Config:
    """An invocation may take 15 minutes, and asking again while it runs would start a second one."""
    return Config(read_timeout=910, retries={"total_max_attempts": 1})


@cache
def _secrets_config() -> Config:
    """Who posts a webhook waits for its secret: soon an answer that says to try again, rather than none."""
    return Config(retries={"mode": "standard", "total_max_attempts": 2}, connect_timeout=1, read_timeout=2)


@cache
def _messages_config() -> Config:
    """Others of the batch wait for the answer: what did not go soon is put aside, and tried again later."""
    return Config(retries={"mode": "standard", "total_max_attempts": 3}, connect_timeout=2, read_timeout=5)


_CONFIGS = {
    "dynamodb": _dynamodb_config,
    "lambda": _lambda_config,
    "events": _messages_config,
    "sns": _messages_config,
    "sqs": _messages_config,
    "sts": _messages_config,
    "ssm": _secrets_config,
    "secretsmanager": _secrets_config,
}
