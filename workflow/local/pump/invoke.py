"""One synchronous invocation with a batch of stream records, and what its answer acknowledges."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from workflow.local.pump.checkpoint import checkpoint
from workflow.local.pump.lanes import Delivered
from workflow.local.pump.mapping import Mapping


@dataclass(frozen=True, slots=True)
class Delivery:
    """What an observer learns: the batch in wire form, how many of its records are done, and why the rest are not.

    `failure` is empty when all are done. `log` is the end of what the function wrote, at most 4 KB.
    """

    records: tuple[dict[str, Any], ...]
    acknowledged: int
    failure: str
    log: str
    duration_ms: float


def invoke(functions: Any, mapping: Mapping, batch: Sequence[Delivered]) -> Delivery:
    """Invoke the mapping's function with the batch; never raises for a failing function or a refused call."""
    payload = '{"Records":[' + ",".join(record.text for record in batch) + "]}"
    started = time.monotonic()
    try:
        answer = functions.invoke(FunctionName=mapping.function_name, Payload=payload.encode(), LogType="Tail")
        content = json.loads(answer["Payload"].read() or b"null")
    except Exception as error:
        # Whatever it was, the batch was not acknowledged: the same as on AWS, where it comes again.
        return _delivery(batch, 0, f"the function could not be invoked: {error}", "", started)
    log = base64.b64decode(answer.get("LogResult", "")).decode("utf-8", "replace")
    if "FunctionError" in answer:
        return _delivery(batch, 0, _reason(content), log, started)
    if not mapping.reports_item_failures:
        return _delivery(batch, len(batch), "", log, started)
    done = checkpoint([record.sequence_number for record in batch], content)
    failure = "" if done == len(batch) else f"the function reported failures: {json.dumps(content)[:500]}"
    return _delivery(batch, done, failure, log, started)


def _delivery(batch: Sequence[Delivered], done: int, failure: str, log: str, started: float) -> Delivery:
    records = tuple(record.record for record in batch)
    return Delivery(records, done, failure, log, (time.monotonic() - started) * 1000)


def _reason(content: Any) -> str:
    if isinstance(content, dict) and "errorMessage" in content:
        return f"{content.get('errorType', 'Error')}: {content['errorMessage']}"
    return str(content)
