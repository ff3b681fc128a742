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
from workflow.errors import WorkflowError
from workflow.runtime.redact import bare_trace
from workflow.runtime.runtime import Runtime
from workflow.settings import Settings

log = logging.getLogger("workflow")

_FUNCTION = os.environ.get("AWS_LAMBDA_FUNCTION_NAME", "")
# Whoever else imports an entry point keeps the log as it is.
_lines = write_json(_FUNCTION, os.environ.get("WORKFLOW_LOG_LEVEL", "INFO")) if _FUNCTION else JsonLines()


class InvocationError(Exception):
    """An invocation failed by what nobody expected; where it came from is in the log."""


def open_metered(settings: Settings, client: Any = None) -> tuple[Runtime, EmfMeter]:
    """What a Lambda works on, through that client if one is given, and what counts; raises as `open_runtime` does."""
    meter = EmfMeter(settings.table, SystemClock())
    runtime = open_runtime(settings, meter, client)
    _lines.tracer = runtime.tracer
    return runtime, meter


@contextmanager
def invoked(context: Any) -> Iterator[None]:
    """One invocation, whose id is on every line of the log. What leaves an entry point Lambda writes into the log, its
    words as well, so only our own do: raises InvocationError for what is no WorkflowError."""
    _lines.request_id = str(getattr(context, "aws_request_id", ""))
    try:
        yield
    except WorkflowError:
        raise
    except Exception as error:
        log.error("the invocation failed: %s", bare_trace(error))
        raise InvocationError(f"{type(error).__name__}; the log says where it came from") from None
