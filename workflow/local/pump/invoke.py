"""One synchronous invocation with a batch of stream records, and what its answer means."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from workflow.event_source import NOT_INVOKED, Answer, read_answer
from workflow.local.pump.mapping import Mapping
from workflow.local.pump.records import Delivered, payload_of


@dataclass(frozen=True, slots=True)
class Invocation:
    """An answer, why it is not all done (empty if it is), and the end of what the function wrote, at most 4 KB."""

    answer: Answer
    failure: str
    log: str
    duration_ms: float


def invoke(functions: Any, mapping: Mapping, batch: Sequence[Delivered]) -> Invocation:
    """Invoke the mapping's function with the batch; never raises for a failing function or a refused call."""
    started = time.monotonic()
    answer, failure, log = _invoke(functions, mapping, batch)
    return Invocation(answer, failure, log, (time.monotonic() - started) * 1000)


def _invoke(functions: Any, mapping: Mapping, batch: Sequence[Delivered]) -> tuple[Answer, str, str]:
    payload = payload_of(batch).encode()
    try:
        response = functions.invoke(FunctionName=mapping.function_arn, Payload=payload, LogType="Tail")
        content = json.loads(response["Payload"].read() or b"null")
    except Exception as error:
        # Whatever it was, the batch was not acknowledged: the same as on AWS, where it comes again.
        return NOT_INVOKED, f"the function could not be invoked: {error}", ""
    log = base64.b64decode(response.get("LogResult", "")).decode("utf-8", "replace")
    answer = read_answer(
        batch,
        mapping.settings,
        content,
        function_error=response.get("FunctionError"),
        request_id=response["ResponseMetadata"].get("RequestId", ""),
    )
    if answer.function_error is not None:
        return answer, _reason(content), log
    failure = "" if answer.done == len(batch) else f"the function reported failures: {json.dumps(content)[:500]}"
    return answer, failure, log


def _reason(content: Any) -> str:
    if isinstance(content, dict) and "errorMessage" in content:
        return f"{content.get('errorType', 'Error')}: {content['errorMessage']}"
    return str(content)
