"""What the entry points of all Lambdas share: how they open what they work on, and what is told of each invocation."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from workflow.aws.clock import SystemClock
from workflow.aws.compose import open_runtime
from workflow.aws.json_log import JsonLines, write_json
from workflow.aws.metrics import EmfMeter
from workflow.runtime.redact import bare_trace
from workflow.runtime.runtime import Runtime
from workflow.settings import Settings

log = logging.getLogger("workflow")

_FUNCTION = os.environ.get("AWS_LAMBDA_FUNCTION_NAME", "")
# Whoever else imports an entry point keeps the log as it is.
_lines = write_json(_FUNCTION, os.environ.get("WORKFLOW_LOG_LEVEL", "INFO")) if _FUNCTION else JsonLines()


class InvocationError(Exception):
    """An invocation failed; why, and where it came from, is in the log."""


def open_metered(settings: Settings, client: Any = None) -> tuple[Runtime, EmfMeter]:
    """What a Lambda works on, through that client if one is given, and what counts; raises as `open_runtime` does."""
    meter = EmfMeter(settings.table, SystemClock())
    runtime = open_runtime(settings, meter, client)
    _lines.tracer = runtime.tracer
    return runtime, meter


@contextmanager
def invoked(context: Any) -> Iterator[None]:
    """One invocation, whose id is on every line of the log. What leaves an entry point Lambda writes into the log, its
    words as well, and those may quote anything: raises InvocationError in its place, which names its class alone."""
    _lines.request_id = str(getattr(context, "aws_request_id", ""))
    try:
        yield
    except Exception as error:
        code = _code(error)
        log.error("the invocation failed%s: %s", f" ({code})" if code else "", bare_trace(error))
        raise InvocationError(f"{type(error).__name__}; the log says where it came from") from None


def _code(error: Exception) -> str:
    """What AWS calls the reason, if it was the reason: a word of its own, unlike its message."""
    response = getattr(error.__cause__ or error, "response", None)
    return str(response.get("Error", {}).get("Code", "")) if isinstance(response, dict) else ""
