"""The log of a Lambda: lines of JSON that can be asked by their fields, and quote no exception."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.unit.aws.test_cold_start import environment
from tests.unit.runtime.delivery import Bench
from workflow.aws.failures import translated
from workflow.aws.json_log import JsonLines
from workflow.aws.lambdas.invocations import InvocationError, invoked
from workflow.engine.place import LaneKey
from workflow.runtime.changes import Change
from workflow.runtime.effect import Effect
from workflow.runtime.tracing import NO_TRACER

AT = datetime(2026, 1, 31, 12, 0, 0, 123_456, tzinfo=UTC)


def line(message: str, *arguments: object, lines: JsonLines | None = None, **given: Any) -> dict[str, Any]:
    """What is written of one record, without what all of these have."""
    record = logging.getLogger("workflow").makeRecord(
        "workflow", logging.WARNING, "here.py", 7, message, arguments, given.pop("exc_info", None), extra=given
    )
    record.created = AT.timestamp()
    text = (lines or JsonLines()).format(record)
    assert len(text.splitlines()) == 1
    told: dict[str, Any] = json.loads(text)
    assert (told.pop("timestamp"), told.pop("level")) == ("2026-01-31T12:00:00.123Z", "WARNING")
    assert told.pop("logger") == "workflow"
    return told


def test_a_line_says_its_message_and_what_was_given_beside_it() -> None:
    assert line("%d of %s", 3, "them", hook="receipt", took_ms=12) == {
        "message": "3 of them",
        "hook": "receipt",
        "took_ms": 12,
    }


def test_what_breaks_lines_elsewhere_breaks_none_here() -> None:
    hostile = 'x\n{"_aws": {}}\r\u2028\u2029\x85\x00\ud83d'
    assert line("%s", hostile) == {"message": hostile}


def _effect(change: Change, bench: Bench) -> Effect:
    return Effect(change, "receipt", 3, bench.flow.runtime)


def test_the_ids_of_what_a_message_is_about_are_fields_of_their_own() -> None:
    bench = Bench()
    _, paid = bench.paid("a b")
    order = {"kind": "order", "id": "a b", "version": 2}
    about_change = line("%s is put aside: %s", paid, "why")
    assert about_change == {"message": "order a b version 2 is put aside: why", **order}
    bench.deliver()
    assert line("%s wait", bench.entry(2, "a b")) == {"message": "the effects of order a b version 2 wait", **order}
    about_effect = line("why: %s", "no id", hook="x") | line("%s: %s", "first", _effect(paid, bench))
    assert {name: about_effect[name] for name in (*order, "hook", "attempt")} == {
        **order,
        "hook": "receipt",
        "attempt": 3,
    }
    assert line("the %s", LaneKey("job", "build", "acme/api")) == {
        "message": "the lane build of job for 'acme/api'",
        "kind": "job",
        "lane": "build",
        "key": "acme/api",
    }


def test_the_function_the_request_and_the_trace_are_on_every_line_where_they_are_known() -> None:
    class Tracing:
        is_on = True

        def __getattr__(self, name: str) -> Any:
            return getattr(NO_TRACER, name)

        def current(self) -> str:
            return "1-67891233-abcdef012345678912345678"

    lines = JsonLines("shop-stream")
    assert line("x", lines=lines) == {"message": "x", "function": "shop-stream"}
    lines.request_id, lines.tracer = "r1", Tracing()
    assert line("x", lines=lines) == {
        "message": "x",
        "function": "shop-stream",
        "request_id": "r1",
        "trace": "1-67891233-abcdef012345678912345678",
    }


def test_an_exception_is_told_of_by_where_it_came_from_and_not_by_what_it_says() -> None:
    try:
        raise ValueError("canary")
    except ValueError:
        told = line("it failed", exc_info=sys.exc_info())
    assert "canary" not in told["traceback"].replace('raise ValueError("canary")', "")
    assert told["traceback"].endswith("ValueError")
    assert told["message"] == "it failed"


class _Unspeakable:
    def __str__(self) -> str:
        raise RuntimeError


def test_what_cannot_be_written_costs_no_line() -> None:
    circle: list[object] = []
    circle.append(circle)
    assert line("%d and %s", "one") == {"message": "%d and %s (its arguments do not fit)"}
    assert line("x", value=_Unspeakable()) == {"message": "x", "value": "_Unspeakable"}
    assert line("x", value=circle) == {"message": "x"}
    assert line("x", value={1: AT}) == {"message": "x", "value": {"1": "2026-01-31 12:00:00.123456+00:00"}}


INVOKED = """
import logging, sys, warnings
# What Lambda's own runtime does before it imports a handler.
logging.getLogger().addHandler(logging.StreamHandler(sys.stdout))
from workflow.aws.lambdas import stream

class Context:
    aws_request_id = "r1"
    get_remaining_time_in_millis = staticmethod(lambda: 60_000)

logging.getLogger("workflow").info("hello")
stream.handler({"Records": []}, Context)
logging.getLogger("other").warning("said %s", "so")
warnings.warn("soon")
try:
    stream.handler({"Records": 5}, Context)
except Exception as error:
    raised = (type(error).__name__, str(error), error.__cause__, error.__suppress_context__)
logging.getLogger("end").error("%s", raised)
"""


@pytest.fixture
def said(tmp_path: Path) -> list[dict[str, Any]]:
    own = environment(tmp_path / "definitions.json", AWS_LAMBDA_FUNCTION_NAME="shop-stream")
    done = subprocess.run([sys.executable, "-c", INVOKED], env=own, capture_output=True, text=True)
    assert done.stderr == ""
    return [json.loads(text) for text in done.stdout.splitlines()]


def test_all_that_a_function_writes_is_json_once_with_its_request(said: list[dict[str, Any]]) -> None:
    assert [(one["level"], one["logger"], one.get("request_id")) for one in said] == [
        ("INFO", "workflow", None),
        ("INFO", "workflow", "r1"),
        ("WARNING", "other", "r1"),
        ("WARNING", "py.warnings", "r1"),
        ("ERROR", "workflow", "r1"),
        ("ERROR", "end", "r1"),
    ]
    assert {one["function"] for one in said} == {"shop-stream"}
    assert [said[1]["message"], said[1]["records"], said[2]["message"]] == ["delivered", 0, "said so"]


def test_what_nobody_expected_leaves_a_function_without_its_words(said: list[dict[str, Any]]) -> None:
    # Lambda writes the class and the words of what an entry point raises into the log, and shows them to whoever calls.
    assert said[-1]["message"] == "('InvocationError', 'TypeError; the log says where it came from', None, True)"
    assert said[-2]["message"].startswith("the invocation failed: ")
    assert said[-2]["message"].endswith("TypeError")


def test_what_the_framework_itself_raises_is_named_and_not_quoted(caplog: pytest.LogCaptureFixture) -> None:
    subject = "counting 'canary' in table orders"
    denied = ClientError({"Error": {"Code": "AccessDeniedException", "Message": "canary"}}, "Query")
    with pytest.raises(InvocationError) as raised, invoked(None), translated(subject):
        raise denied
    assert str(raised.value) == "StoreAccessError; the log says where it came from"
    (message,) = caplog.messages
    assert message.startswith("the invocation failed (AccessDeniedException): ")
    assert message.endswith("\nStoreAccessError")
    assert subject not in message
    assert (raised.value.__cause__, raised.value.__suppress_context__) == (None, True)


def test_what_raises_when_it_is_looked_at_is_written_all_the_same() -> None:
    class Hostile:
        @property
        def kind(self) -> str:
            raise ValueError("looked at")

        def __str__(self) -> str:
            return "hostile"

    assert line("%s is here", Hostile()) == {"message": "hostile is here"}
