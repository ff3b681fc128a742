"""Cold starts of Lambdas in a fresh process, CPU time with byte code, against a boto3 client alone."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench.measure import Row
from tests.shipped import HANDLERS

ROUNDS = 9

_CLIENT = """
import time
started = time.process_time()
import boto3
boto3.client("dynamodb")
print(time.process_time() - started)
"""

_HANDLER = """
import time
started = time.process_time()
import workflow.aws.lambdas.{name} as function
assert function._handler is not None
print(time.process_time() - started)
"""

# A figure is about the code: it should not change because the project gets another webhook.
_WEBHOOK = """\
webhook: shop
signature: {scheme: github, secrets: [ssm:/workflow/shop]}
request_id: headers."x-github-delivery"
accept:
  - {when: body.paid, kind: order, id: body.order, trigger: pay, payload: {amount: body.amount, payment: body.payment}}
  - {when: body.cancelled, kind: order, id: body.order, trigger: cancel, payload: {reason: body.why}}
"""


def rows() -> Iterator[Row]:
    """The figures of the shipped definitions and handlers."""
    with tempfile.TemporaryDirectory() as folder:
        _compile(Path(folder))
        yield _row("stream", "cold start, CPU", 1.3, Path(folder))
        yield _row("webhook", "cold start of webhooks, CPU", 1.25, Path(folder))


def _compile(folder: Path) -> None:
    from workflow.definition.load import compile_definitions, load_definitions
    from workflow.definition.webhooks.load import compile_webhooks, parse_webhook

    webhooks = parse_webhook(_WEBHOOK, load_definitions(Path("definitions")))
    (folder / "definitions.json").write_text(compile_definitions(Path("definitions")), encoding="utf-8")
    (folder / "webhooks.json").write_text(compile_webhooks(webhooks), encoding="utf-8")


def _row(function: str, name: str, goal: float, compiled: Path) -> Row:
    handler = _HANDLER.format(name=function)
    pairs = [(_cpu_seconds(handler, compiled), _cpu_seconds(_CLIENT, compiled)) for _ in range(ROUNDS + 1)][1:]
    ratio = statistics.median(ours / client for ours, client in pairs)
    detail = (
        f"{min(ours for ours, _ in pairs) * 1000:.0f} ms against {min(theirs for _, theirs in pairs) * 1000:.0f} ms"
    )
    return Row(name, "import boto3, one client", ratio, goal, at_most=True, detail=detail)


def _cpu_seconds(program: str, compiled: Path) -> float:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "WORKFLOW_"))}
    environment |= {
        "AWS_ACCESS_KEY_ID": "bench",
        "AWS_SECRET_ACCESS_KEY": "bench",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_LAMBDA_FUNCTION_NAME": "bench",
        "WORKFLOW_TABLE": "bench",
        "WORKFLOW_DEFINITIONS": str(compiled / "definitions.json"),
        "WORKFLOW_WEBHOOKS": str(compiled / "webhooks.json"),
        "WORKFLOW_HANDLERS": ",".join(HANDLERS),
    }
    answer = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    return float(answer.stdout)
