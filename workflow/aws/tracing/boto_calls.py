"""Calls of AWS services as subsegments: what was called, how it ended and how often it was tried, and no values."""

from __future__ import annotations

import functools
import re
from contextlib import suppress
from typing import Any

import botocore.client
from botocore.exceptions import ClientError

from workflow.aws.tracing.told import mark
from workflow.aws.tracing.under_way import find_open

_PATCHED = "_xray_enabled"
"""What the SDK marks botocore by when it traces calls itself, which it would do with the words of every error."""

_THROTTLED = re.compile("Throttl|ProvisionedThroughput|TooManyRequests|RequestLimitExceeded|SlowDown")
"""Names of errors that say: too often. Some services send them with a status of 400, or of 503."""


def trace_calls(recorder: Any) -> None:
    """From here on each call that a client of this process makes is a subsegment of what is open on its thread, if
    anything is; once per process, and not where the SDK traces calls already."""
    if getattr(botocore.client, _PATCHED, False):
        return
    setattr(botocore.client, _PATCHED, True)
    client_class = botocore.client.BaseClient
    untraced = client_class._make_api_call

    @functools.wraps(untraced)
    def traced(client: Any, operation_name: str, api_params: Any) -> Any:
        subsegment = _begun(recorder, client)
        if subsegment is None:
            return untraced(client, operation_name, api_params)
        answer: Any = None
        try:
            answer = untraced(client, operation_name, api_params)
            return answer
        except Exception as raised:
            answer = getattr(raised, "response", None)
            with suppress(Exception):
                _mark(subsegment, raised)
            raise
        finally:
            with suppress(Exception):
                _tell(subsegment, client, operation_name, api_params, answer)
            with suppress(Exception):
                recorder.end_subsegment()

    client_class._make_api_call = traced


def _begun(recorder: Any, client: Any) -> Any:
    with suppress(Exception):
        service = client.meta.service_model.metadata["endpointPrefix"]
        # What the SDK itself asks, which rules of sampling there are.
        if service != "xray" and find_open(recorder) is not None:
            return recorder.begin_subsegment(service, "aws")
    return None


def _tell(subsegment: Any, client: Any, operation_name: str, api_params: Any, answer: Any) -> None:
    told = {"operation": operation_name, "region": client.meta.region_name}
    table = api_params.get("TableName")
    if isinstance(table, str):
        told["table_name"] = table
    metadata = answer.get("ResponseMetadata", {}) if isinstance(answer, dict) else {}
    if metadata.get("RequestId"):
        told["request_id"] = metadata["RequestId"]
    if metadata.get("RetryAttempts"):
        told["retries"] = metadata["RetryAttempts"]
    subsegment.set_aws(told)
    if metadata.get("HTTPStatusCode"):
        # Past the SDK's own way, which would mark it once more, by the status alone.
        subsegment.http = {"response": {"status": metadata["HTTPStatusCode"]}}


def _mark(subsegment: Any, raised: Exception) -> None:
    if not isinstance(raised, ClientError):
        mark(subsegment, type(raised).__name__, "", fault=True)
        return
    # The service's own name of the error. Its message may quote what was sent.
    code = str(raised.response.get("Error", {}).get("Code", ""))
    status = raised.response.get("ResponseMetadata", {}).get("HTTPStatusCode") or 0
    is_throttled = status == 429 or bool(_THROTTLED.search(code))
    mark(subsegment, type(raised).__name__, code, fault=status >= 500 and not is_throttled, throttle=is_throttled)
