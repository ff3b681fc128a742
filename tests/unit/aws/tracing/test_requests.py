"""Requests over HTTP as X-Ray sees them: what they follow, and how they are judged."""

from __future__ import annotations

import json
import logging
import time
from typing import Any

import pytest

from demo.trace.pieces import Piece, pieces
from tests.fakes.stores import FaultyStore
from tests.fakes.xray_daemon import XrayDaemon
from tests.samples import ORDER, definitions
from tests.unit.aws import test_webhook_handler as webhooks
from tests.unit.aws.test_api_handler import DATA, PAY, PUT, request
from workflow import Workflow
from workflow.aws.json_log import JsonLines
from workflow.aws.lambdas.api import ApiHandler
from workflow.aws.lambdas.webhook import WebhookHandler
from workflow.aws.tracing.xray import XrayTracer
from workflow.definition.webhooks.load import parse_webhook
from workflow.testing import MemoryStore

INVOCATION, CALLER = f"1-{int(time.time()):08x}-{'a' * 24}", f"1-{int(time.time()):08x}-{'c' * 24}"
OF_LAMBDA = f"Root={INVOCATION};Parent={'b' * 16};Sampled=1"
OF_CALLER = f"Self=1-1-1;Root={CALLER};Parent={'d' * 16};Sampled=1"


def flow_over(tracer: XrayTracer, store: MemoryStore | None = None) -> Workflow:
    return Workflow(definitions(ORDER), store or MemoryStore(), tracer=tracer)


def webhook_over(flow: Workflow, secrets: Any = None) -> WebhookHandler:
    return WebhookHandler(flow.runtime, parse_webhook(webhooks.SHOP, flow.definitions), secrets or webhooks.OneSecret())


def flags(document: dict[str, Any]) -> set[str]:
    return {name for name in ("error", "fault", "throttle") if document.get(name)}


def judged(daemon: XrayDaemon) -> tuple[set[str], set[str], dict[str, Any]]:
    """The flags of the last request's segment and of its span, and what the span is found by."""
    segment = daemon.documents(1)[-1]
    span = segment["subsegments"][0]
    return flags(segment), flags(span), span["annotations"]


@pytest.mark.parametrize(
    ("given", "status", "outcome"),
    [
        ((*PUT, DATA), 409, "refused"),
        ((*PUT, '{"total": "much"}'), 422, "refused"),
        (("GET", "/entities/parcel/42"), 404, "unknown"),
    ],
)
def test_a_refused_request_is_an_error_of_the_caller_and_its_segment_is_one(
    tracer: XrayTracer, daemon: XrayDaemon, given: Any, status: int, outcome: str
) -> None:
    store = MemoryStore()
    Workflow(definitions(ORDER), store).create("order", "42", {"total": 1})
    answer = ApiHandler(flow_over(tracer, store).runtime).handle(request(*given, idempotency_key="another"))
    segment, span, found_by = judged(daemon)
    assert (answer["statusCode"], segment, span) == (status, {"error"}, {"error"})
    told = {name: found_by[name] for name in ("status", "outcome", "refused", "error")}
    assert told == {"status": status, "outcome": outcome, "refused": f"api {given[0]}", "error": outcome}


@pytest.mark.parametrize(
    ("fault", "status", "outcome"), [("denied", 500, "failed"), ("lost answer", 503, "unavailable")]
)
def test_a_request_that_fails_is_a_fault_and_its_segment_is_one(
    tracer: XrayTracer, daemon: XrayDaemon, fault: Any, status: int, outcome: str
) -> None:
    handler = ApiHandler(flow_over(tracer, FaultyStore(*[fault] * 8)).runtime)
    answer = handler.handle(request(*PUT, DATA))
    found = judged(daemon)
    assert (answer["statusCode"], found[:2]) == (status, ({"fault"}, {"fault"}))
    assert (found[2]["failed"], found[2]["error"]) == ("api PUT", outcome)


def test_webhooks_are_judged_likewise(tracer: XrayTracer, daemon: XrayDaemon) -> None:
    away = webhooks.OneSecret()
    away.away = True
    given = webhooks.request(webhooks.PLACED)
    assert webhook_over(flow_over(tracer), away).handle(given)["statusCode"] == 503
    assert judged(daemon)[:2] == ({"fault"}, {"fault"})
    forged = {**given, "headers": {**given["headers"], "x-signature": "0" * 64}}
    assert webhook_over(flow_over(tracer)).handle(forged)["statusCode"] == 401
    daemon.documents(2)
    assert judged(daemon)[:2] == ({"error"}, {"error"})
    assert webhook_over(flow_over(tracer)).handle(given)["statusCode"] == 200
    daemon.documents(3)
    assert judged(daemon)[:2] == (set(), set())


def root_of(found: list[Piece]) -> tuple[str, str]:
    return found[0].trace, found[0].parent


@pytest.mark.parametrize(
    ("headers", "followed"),
    [
        ({}, (INVOCATION, "b" * 16)),
        # API Gateway's own, which names a trace and no span in it.
        ({"x_amzn_trace_id": f"Root={CALLER}"}, (INVOCATION, "b" * 16)),
        ({"x_amzn_trace_id": OF_CALLER}, (CALLER, "d" * 16)),
        ({"traceparent": f"00-{CALLER.replace('-', '')[1:]}-{'e' * 16}-01"}, (CALLER, "e" * 16)),
        ({"traceparent": "00-nonsense"}, (INVOCATION, "b" * 16)),
    ],
)
def test_a_signed_request_follows_the_span_that_its_caller_names_else_its_invocation(
    tracer: XrayTracer,
    daemon: XrayDaemon,
    monkeypatch: pytest.MonkeyPatch,
    headers: dict[str, str],
    followed: tuple[str, str],
) -> None:
    monkeypatch.setenv("_X_AMZN_TRACE_ID", OF_LAMBDA)
    ApiHandler(flow_over(tracer).runtime).handle(request(*PUT, DATA, **headers))
    assert root_of(pieces(daemon.documents(1))) == followed


def test_a_webhook_follows_nothing_that_a_stranger_names(
    tracer: XrayTracer, daemon: XrayDaemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("_X_AMZN_TRACE_ID", OF_LAMBDA)
    given = webhooks.request(webhooks.PLACED)
    given["headers"] |= {"x-amzn-trace-id": OF_CALLER, "traceparent": f"00-{'c' * 32}-{'d' * 16}-01"}
    webhook_over(flow_over(tracer)).handle(given)
    assert root_of(pieces(daemon.documents(1))) == (INVOCATION, "b" * 16)


def test_the_line_that_tells_of_a_request_says_to_which_trace_it_belongs(
    tracer: XrayTracer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("_X_AMZN_TRACE_ID", OF_LAMBDA)
    form = JsonLines("api")
    form.tracer = tracer
    # Lines are made while they are logged, as Lambda's are.
    monkeypatch.setattr(caplog.handler, "formatter", form)
    caplog.set_level(logging.INFO)
    flow = flow_over(tracer)
    ApiHandler(flow.runtime).handle(request(*PUT, DATA))
    ApiHandler(flow.runtime).handle(request(*PAY, "{"))
    webhook_over(flow).handle(webhooks.request(webhooks.PLACED))
    lines = [json.loads(line) for line in caplog.text.splitlines()]
    traces = [line.get("trace", "").partition(";")[0] for line in lines if line["message"] == "answered"]
    assert traces == [f"Root={INVOCATION}"] * 3
