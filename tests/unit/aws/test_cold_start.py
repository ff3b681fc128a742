"""What a cold start of the stream's Lambda imports."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.shipped import HANDLERS
from workflow.definition.load import compile_definitions

REPOSITORY = Path(__file__).parents[3]

# Each costs a tenth to one and a half times what a whole DynamoDB client does, or belongs to a laptop.
NOT_IMPORTED = (
    *("pydantic", "yaml", "aws_xray_sdk", "opentelemetry", "click", "rich", "transitions", "boto3", "watchfiles"),
    *("workflow.cli", "workflow.console", "workflow.local", "workflow.testing"),
)
COLD_START = """
import sys
from workflow.aws.lambdas import stream
print(stream._handler is not None, *sorted(sys.modules))
"""


STARTED = """
import gc, sys
looked = []
import workflow.aws.lambdas
gc.callbacks.append(lambda phase, _: looked.append(phase))
from workflow.aws.lambdas import {name} as function
print(function._handler is not None, len(looked), gc.isenabled(), gc.get_freeze_count() > 10_000)
"""


def environment(compiled: Path, **more: str) -> dict[str, str]:
    """That of a Lambda, over the definitions in this file."""
    compiled.write_text(compile_definitions(REPOSITORY / "definitions"), encoding="utf-8")
    return {
        # This very checkout, wherever the environment's own installation lies.
        "PYTHONPATH": str(REPOSITORY),
        "PATH": os.environ["PATH"],
        "AWS_DEFAULT_REGION": "eu-central-1",
        "WORKFLOW_TABLE": "table",
        "WORKFLOW_DEFINITIONS": str(compiled),
        "WORKFLOW_WEBHOOKS": str(compiled.with_name("webhooks.json")),
        "WORKFLOW_HANDLERS": ",".join(HANDLERS),
        **more,
    }


def test_the_stream_lambda_opens_its_handler_and_imports_nothing_it_does_not_run(tmp_path: Path) -> None:
    own = environment(tmp_path / "definitions.json", AWS_LAMBDA_FUNCTION_NAME="stream")

    done = subprocess.run([sys.executable, "-c", COLD_START], env=own, capture_output=True, text=True)

    assert done.stderr == ""
    opened, *modules = done.stdout.split()
    assert opened == "True"
    assert {"botocore", "workflow.runtime.deliver", "handlers.order"} <= set(modules)
    assert [name for name in NOT_IMPORTED if name in modules] == []


@pytest.mark.parametrize("name", ["stream", "sweep", "webhook", "api"])
def test_a_start_looks_for_no_garbage_and_what_comes_after_it_does_but_not_among_what_the_start_has_left(
    tmp_path: Path, name: str
) -> None:
    own = environment(tmp_path / "definitions.json", AWS_LAMBDA_FUNCTION_NAME=name)

    done = subprocess.run([sys.executable, "-c", STARTED.format(name=name)], env=own, capture_output=True, text=True)

    assert (done.stderr, done.stdout.split()) == ("", ["True", "0", "True", "True"])


def test_whoever_else_imports_an_entry_point_keeps_the_collector_as_it_is(tmp_path: Path) -> None:
    own = environment(tmp_path / "definitions.json")

    done = subprocess.run(
        [sys.executable, "-c", STARTED.format(name="webhook")], env=own, capture_output=True, text=True
    )

    opened, looked, enabled, frozen = done.stdout.split()
    assert (opened, int(looked) > 0, enabled, frozen) == ("False", True, "True", "False")
