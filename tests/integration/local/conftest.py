"""One embedded cloud with a small project deployed to it, shared by the tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from workflow.local.deploy import Deployer
from workflow.local.embedded_cloud import EmbeddedCloud
from workflow.local.package import build
from workflow.local.stack import Stack

REPOSITORY = Path(__file__).parents[3]

PROBE = '''\
"""A handler that does what the records ask of it, and says what it saw."""
import time

print("probe loaded")
failed_once = set()


def handler(event, context):
    failures = []
    for record in event["Records"]:
        image = record["dynamodb"].get("NewImage", {})
        wish, key = image.get("wish", {}).get("S"), record["eventID"]
        print("SAW", image.get("id", {}).get("S"), len(event["Records"]))
        if wish == "fail once" and key not in failed_once:
            failed_once.add(key)
            failures.append({"itemIdentifier": record["dynamodb"]["SequenceNumber"]})
        if wish == "refuse" and time.time() < float(image["until"]["S"]):
            failures.append({"itemIdentifier": record["dynamodb"]["SequenceNumber"]})
        if wish == "raise" and time.time() < float(image["until"]["S"]):
            raise RuntimeError("the handler broke")
        if wish == "answer with no number" and time.time() < float(image["until"]["S"]):
            return {"batchItemFailures": [{"itemIdentifier": ""}]}
        if wish == "environment":
            import boto3, os, sys
            return {"boto3": boto3.__file__, "path": sys.path, "variables": dict(os.environ)}
        if wish == "sleep":
            time.sleep(0.5)
        if wish == "scan":
            import os
            from workflow.aws.client import make_client
            # As the framework itself makes it.
            table = make_client("dynamodb", endpoint_url=os.environ["AWS_ENDPOINT_URL"])
            table.scan(TableName=os.environ["WORKFLOW_TABLE"])
    return {"batchItemFailures": failures}


def sweep(event, context):
    if "Records" in event:
        return {"timers_fired": 0}
    print("SWEPT")
    return {"timers_fired": 1, "effects_done": 2}
'''

DEFINITION = """\
kind: order
version: 1
initial: placed
states:
  placed: {}
  paid: {final: true}
transitions:
  pay: {from: placed, to: paid}
"""


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with the repository's own template, but the probe as its functions."""
    project = tmp_path_factory.mktemp("project")
    (project / "handlers").mkdir()
    (project / "handlers" / "__init__.py").touch()
    (project / "handlers" / "probe.py").write_text(PROBE)
    (project / "definitions").mkdir()
    (project / "definitions" / "order.yaml").write_text(DEFINITION)
    template = (REPOSITORY / "template.yaml").read_text()
    probes = {
        "stream.handler": "handler",
        "sweep.handler": "sweep",
        "webhook.handler": "handler",
        "api.handler": "handler",
    }
    for handler, probe in probes.items():
        template = template.replace(f"workflow.aws.lambdas.{handler}", f"handlers.probe.{probe}")
    (project / "template.yaml").write_text(template)
    return project


@pytest.fixture(scope="session")
def embedded_cloud() -> Iterator[EmbeddedCloud]:
    """A running cloud with nothing in it."""
    with EmbeddedCloud() as cloud:
        yield cloud


@pytest.fixture(scope="session")
def stack(embedded_cloud: EmbeddedCloud, project: Path) -> Stack:
    """The project, deployed; tests that deploy something else take a stack of another name."""
    return Deployer(embedded_cloud.endpoint_url, "shared").deploy(project / "template.yaml", build(project))
