"""Cold starts of Lambdas in a fresh process, with byte code: CPU time and memory, against a boto3 client alone."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from bench.measure import Row
from tests.shipped import HANDLERS

ROUNDS = 9

FUNCTIONS = ("stream", "sweep", "webhook", "api")

_PROGRAM = """
import time
from bench.memory import most_kilobytes
started = time.process_time()
{start}
print(time.process_time() - started, most_kilobytes())
"""
_CLIENT = _PROGRAM.format(start='import boto3\nboto3.client("dynamodb")')

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
        for function in FUNCTIONS:
            yield from _rows(function, Path(folder))


def _compile(folder: Path) -> None:
    from workflow.definition.load import compile_definitions, load_definitions
    from workflow.definition.webhooks.load import compile_webhooks, parse_webhook

    webhooks = parse_webhook(_WEBHOOK, load_definitions(Path("definitions")))
    (folder / "definitions.json").write_text(compile_definitions(Path("definitions")), encoding="utf-8")
    (folder / "webhooks.json").write_text(compile_webhooks(webhooks), encoding="utf-8")


class _Start(NamedTuple):
    seconds: float
    kilobytes: int


def _rows(function: str, compiled: Path) -> Iterator[Row]:
    imported = f"import workflow.aws.lambdas.{function} as function\nassert function._handler is not None"
    handler = _PROGRAM.format(start=imported)
    pairs = [(_start(handler, compiled), _start(_CLIENT, compiled)) for _ in range(ROUNDS + 1)][1:]
    seconds = statistics.median(ours.seconds / client.seconds for ours, client in pairs)
    best = [min(start.seconds for start in column) * 1000 for column in zip(*pairs, strict=True)]
    detail = f"{best[0]:.0f} ms against {best[1]:.0f} ms"
    yield Row(f"cold start of {function}, CPU", "import boto3, one client", seconds, 1.3, at_most=True, detail=detail)
    memory = statistics.median(ours.kilobytes / client.kilobytes for ours, client in pairs)
    least = [min(start.kilobytes for start in column) / 1024 for column in zip(*pairs, strict=True)]
    detail = f"{least[0]:.0f} MB against {least[1]:.0f} MB"
    yield Row("… most memory", "", memory, 1.5, at_most=True, detail=detail)


def _start(program: str, compiled: Path) -> _Start:
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "WORKFLOW_", "PYTHON"))
    }
    environment |= {
        # Where PYTHONDONTWRITEBYTECODE is set, what pip compiled would stand against ours from source.
        "PYTHONPYCACHEPREFIX": str(compiled),
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
    seconds, kilobytes = answer.stdout.split()
    return _Start(float(seconds), int(kilobytes))
