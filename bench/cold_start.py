"""A cold start of the stream Lambda in a fresh process, CPU time with byte code, against a boto3 client alone."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench.measure import Row

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
import workflow.aws.lambdas.stream as stream
assert stream._handler is not None
print(time.process_time() - started)
"""


def rows() -> Iterator[Row]:
    """The figure of the shipped definitions and handlers."""
    from workflow.definition.load import compile_definitions

    with tempfile.TemporaryDirectory() as folder:
        compiled = Path(folder) / "definitions.json"
        compiled.write_text(compile_definitions(Path("definitions")), encoding="utf-8")
        pairs = [(_cpu_seconds(_HANDLER, compiled), _cpu_seconds(_CLIENT, compiled)) for _ in range(ROUNDS + 1)][1:]
    ratio = statistics.median(ours / client for ours, client in pairs)
    detail = (
        f"{min(ours for ours, _ in pairs) * 1000:.0f} ms against {min(theirs for _, theirs in pairs) * 1000:.0f} ms"
    )
    yield Row("cold start, CPU", "import boto3, one client", ratio, 1.3, at_most=True, detail=detail)


def _cpu_seconds(program: str, compiled: Path) -> float:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "WORKFLOW_"))}
    environment |= {
        "AWS_ACCESS_KEY_ID": "bench",
        "AWS_SECRET_ACCESS_KEY": "bench",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_LAMBDA_FUNCTION_NAME": "stream",
        "WORKFLOW_TABLE": "bench",
        "WORKFLOW_DEFINITIONS": str(compiled),
        "WORKFLOW_HANDLERS": "handlers.order,handlers.job,handlers.shipment",
    }
    answer = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    return float(answer.stdout)
