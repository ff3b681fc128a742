"""What a cold start of the stream's Lambda imports."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

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


def test_the_stream_lambda_opens_its_handler_and_imports_nothing_it_does_not_run(tmp_path: Path) -> None:
    compiled = tmp_path / "definitions.json"
    compiled.write_text(compile_definitions(REPOSITORY / "definitions"), encoding="utf-8")
    environment = {
        # This very checkout, wherever the environment's own installation lies.
        "PYTHONPATH": str(REPOSITORY),
        "PATH": os.environ["PATH"],
        "AWS_LAMBDA_FUNCTION_NAME": "stream",
        "AWS_DEFAULT_REGION": "eu-central-1",
        "WORKFLOW_TABLE": "table",
        "WORKFLOW_DEFINITIONS": str(compiled),
        "WORKFLOW_HANDLERS": "handlers.order,handlers.repository,handlers.job,handlers.shipment",
    }

    done = subprocess.run([sys.executable, "-c", COLD_START], env=environment, capture_output=True, text=True)

    assert done.stderr == ""
    opened, *modules = done.stdout.split()
    assert opened == "True"
    assert {"botocore", "workflow.runtime.deliver", "handlers.order"} <= set(modules)
    assert [name for name in NOT_IMPORTED if name in modules] == []
