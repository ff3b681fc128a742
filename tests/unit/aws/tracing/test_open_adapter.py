"""Switching tracing on and off, in fresh processes: what they import, and what they do without a library."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.fakes.xray_daemon import XrayDaemon
from tests.unit.aws.test_cold_start import environment

LIBRARIES = {"xray": "aws_xray_sdk", "opentelemetry": "opentelemetry"}
IMPORTED = """
import sys
from workflow.aws.lambdas import {name} as function
print(function._handler is not None, *({{"aws_xray_sdk", "opentelemetry", "wrapt"}} & set(sys.modules)))
"""
WITHOUT = """
import sys
sys.modules[{library!r}] = None
from workflow.aws.tracing import open_adapter
from workflow.errors import SettingsError
try:
    open_adapter({name!r})
except SettingsError as error:
    print(error)
"""
IN_A_LAMBDA = """
from aws_xray_sdk.core import xray_recorder, patch_all
from workflow.aws.tracing import open_adapter
from workflow.aws.tracing.xray import XrayTracer
tracer = open_adapter("xray")
patch_all()
with tracer.span("send_receipt", {"hook": "send_receipt"}, follows=HEADER) as span:
    with xray_recorder.in_subsegment("provider"):
        pass
    span.fail("no", "ValueError")
print(type(tracer) is XrayTracer, span.trace.partition(";")[0])
"""
ON_A_LAPTOP = """
import logging, threading
logging.basicConfig()
from aws_xray_sdk.core.sampling.rule_poller import RulePoller
asked, ask = threading.Event(), RulePoller._refresh_cache
RulePoller._refresh_cache = lambda poller: (ask(poller), asked.set())
from workflow.aws.tracing import open_adapter
with open_adapter("xray").span("send_receipt", {}):
    pass
print(asked.wait(30))
"""
"""A new trace, for which the SDK asks the daemon for the rules of sampling."""


def run(script: str, environment: dict[str, str]) -> str:
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True)
    assert done.stderr == ""
    return done.stdout.strip()


def own_environment() -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "PYTHONPATH": str(Path(__file__).parents[4])}


@pytest.mark.parametrize("name", ["stream", "sweep", "webhook"])
def test_with_tracing_off_no_entry_point_imports_what_traces(name: str, tmp_path: Path) -> None:
    own = environment(tmp_path / "definitions.json", AWS_LAMBDA_FUNCTION_NAME=name)
    assert run(IMPORTED.format(name=name), own) == "True"


@pytest.mark.parametrize(("tracing", "library"), LIBRARIES.items())
def test_with_tracing_on_only_the_library_that_was_asked_for_is_there(
    tracing: str, library: str, tmp_path: Path
) -> None:
    own = environment(tmp_path / "definitions.json", AWS_LAMBDA_FUNCTION_NAME="stream", WORKFLOW_TRACING=tracing)
    opened, *modules = run(IMPORTED.format(name="stream"), own).split()
    assert (opened, set(modules) - {"wrapt"}) == ("True", {library})


@pytest.mark.parametrize(("name", "library"), LIBRARIES.items())
def test_a_library_that_is_missing_is_told_with_the_command_that_installs_it(name: str, library: str) -> None:
    answer = run(WITHOUT.format(name=name, library=library), own_environment())
    assert answer.startswith(f"tracing is '{name}', and its library is not installed (")
    assert answer.endswith(f"): pip install 'stream-workflow[{name}]'")


def test_without_a_daemon_nothing_is_said_of_it() -> None:
    own = own_environment() | {"AWS_XRAY_DAEMON_ADDRESS": "127.0.0.1:1", "AWS_DEFAULT_REGION": "eu-central-1"}
    assert run(ON_A_LAPTOP, own) == "True"


def test_in_a_lambda_segments_are_sent_although_the_sdk_takes_none_there(tmp_path: Path) -> None:
    root = f"1-{int(time.time()):08x}-{'ef' * 12}"
    header = f"Root={root};Parent={'3' * 16};Sampled=1"
    with XrayDaemon() as daemon:
        own = own_environment() | {
            "LAMBDA_TASK_ROOT": str(tmp_path),
            "AWS_LAMBDA_FUNCTION_NAME": "workflow-stream",
            "AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR",
            "AWS_XRAY_DAEMON_ADDRESS": daemon.address,
            "_X_AMZN_TRACE_ID": f"Root=1-{int(time.time()):08x}-{'99' * 12};Parent={'4' * 16};Sampled=0",
        }
        answer = run(IN_A_LAMBDA.replace("HEADER", repr(header)), own)
        documents = {document["name"]: document for document in daemon.documents(2)}
    assert answer == f"True Root={root}"
    segment = documents["workflow-stream"]
    assert (segment["trace_id"], segment["parent_id"], segment["fault"]) == (root, "3" * 16, True)
    (hook,) = segment["subsegments"]
    assert (hook["name"], hook["annotations"]["invocation"][-24:]) == ("send_receipt", "99" * 12)
    # What a hook begins within it is sent as soon as it is over.
    assert documents["provider"]["parent_id"] == hook["id"]
