"""Where clients come from: the only place that builds one."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import boto3

_LOOPBACK_HOSTS = {"127.0.0.1", "localhost", "::1"}


def make_client(
    service: str, *, endpoint_url: str | None = None, region: str | None = None, access_key: str | None = None
) -> Any:
    """Return a boto3 client; at a loopback endpoint it never uses, nor needs, the caller's credentials."""
    if access_key is None and endpoint_url and urlsplit(endpoint_url).hostname in _LOOPBACK_HOSTS:
        access_key = "000000000000"
    credentials = (
        {"aws_access_key_id": access_key, "aws_secret_access_key": "local", "region_name": region or "us-east-1"}
        if access_key
        else {"region_name": region}
    )
    return boto3.client(service, endpoint_url=endpoint_url, **credentials)
