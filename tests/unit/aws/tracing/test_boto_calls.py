"""Calls of AWS services under the hook that makes them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import botocore.client
import pytest
from botocore.awsrequest import AWSRequest, AWSResponse
from botocore.config import Config
from botocore.exceptions import ClientError, EndpointConnectionError

from demo.trace.pieces import Piece, pieces
from tests.fakes.xray_daemon import XrayDaemon
from workflow.aws.client import make_client
from workflow.aws.tracing.boto_calls import trace_calls
from workflow.aws.tracing.xray import XrayTracer

ITEM = {"pk": {"S": "order#42"}, "email": {"S": "ada@example.com"}}
REFUSED = b'{"__type": "x#ConditionalCheckFailedException", "message": "ada@example.com is there"}'


@pytest.fixture(autouse=True)
def traced_calls(recorder: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", botocore.client.BaseClient._make_api_call)
    monkeypatch.delattr(botocore.client, "_xray_enabled", raising=False)
    trace_calls(recorder)
    yield
    monkeypatch.delattr(botocore.client, "_xray_enabled", raising=False)


class Service:
    """DynamoDB, which answers with what is put here, in this order."""

    def __init__(self) -> None:
        self.client: Any = make_client("dynamodb", endpoint_url="http://127.0.0.1:9", region="eu-central-1")
        self.answers: list[tuple[int, bytes]] = []
        self.client.meta.events.register("before-send", self._answer)

    def _answer(self, request: AWSRequest, **_: Any) -> AWSResponse:
        status, body = self.answers.pop(0)

        class Raw:
            def stream(self, **_: Any) -> Iterator[bytes]:
                yield body

        return AWSResponse(request.url, status, {"x-amzn-requestid": "R1"}, Raw())

    def put(self) -> None:
        self.client.put_item(TableName="orders", Item=ITEM)


def calls(daemon: XrayDaemon) -> list[Piece]:
    return [piece for piece in pieces(daemon.documents(1)) if piece.sort == "aws"]


def test_a_call_is_told_by_what_was_called_and_never_by_what_was_sent(tracer: XrayTracer, daemon: XrayDaemon) -> None:
    service = Service()
    service.answers = [(200, b"{}")]
    with tracer.span("send_receipt", {}) as span:
        service.put()

    (call,) = calls(daemon)
    assert (call.name, span.trace.split(";")[1]) == ("dynamodb", f"Parent={call.parent}")
    assert call.aws == {
        "operation": "PutItem",
        "region": "eu-central-1",
        "table_name": "orders",
        "request_id": "R1",
    }
    assert "ada@" not in str(daemon.documents())


def test_a_call_that_was_tried_again_says_how_often(tracer: XrayTracer, daemon: XrayDaemon) -> None:
    service = Service()
    service.answers = [(500, b"{}"), (500, b"{}"), (200, b"{}")]
    with tracer.span("send_receipt", {}):
        service.put()
    (call,) = calls(daemon)
    assert (call.aws["retries"], call.is_failed) == (2, False)


def test_a_refused_call_is_marked_by_the_services_own_name_of_the_error(tracer: XrayTracer, daemon: XrayDaemon) -> None:
    service = Service()
    service.answers = [(400, REFUSED)]
    with tracer.span("send_receipt", {}), pytest.raises(ClientError, match="ada@example"):
        service.put()

    (call,) = calls(daemon)
    assert call.errors == ("ConditionalCheckFailedException: ConditionalCheckFailedException",)
    assert (call.is_failed, call.aws["request_id"]) == (True, "R1")
    assert "ada@" not in str(daemon.documents())


@pytest.mark.parametrize(
    ("status", "code", "flags"),
    [
        (400, "ConditionalCheckFailedException", {"error"}),
        (400, "ProvisionedThroughputExceededException", {"error", "throttle"}),
        (400, "ThrottlingException", {"error", "throttle"}),
        (429, "TooMany", {"error", "throttle"}),
        (503, "SlowDown", {"error", "throttle"}),
        (500, "InternalServerError", {"fault"}),
        (503, "ServiceUnavailable", {"fault"}),
    ],
)
def test_a_call_that_failed_is_the_callers_error_or_the_services_fault(
    tracer: XrayTracer, daemon: XrayDaemon, status: int, code: str, flags: set[str]
) -> None:
    service = Service()
    service.answers = [(status, json.dumps({"__type": f"x#{code}"}).encode())] * 20
    with tracer.span("send_receipt", {}), pytest.raises(ClientError):
        service.put()
    (call,) = daemon.documents(1)[0]["subsegments"][0]["subsegments"]
    assert {name for name in ("error", "fault", "throttle") if call.get(name)} == flags
    assert call["http"] == {"response": {"status": status}}


def test_a_call_that_got_no_answer_is_a_fault(tracer: XrayTracer, daemon: XrayDaemon) -> None:
    config = Config(retries={"total_max_attempts": 1}, connect_timeout=1)
    client = make_client("dynamodb", endpoint_url="http://127.0.0.1:9", region="eu-central-1")
    client._client_config = config
    with tracer.span("send_receipt", {}), pytest.raises(EndpointConnectionError):
        client.put_item(TableName="orders", Item=ITEM)
    (call,) = calls(daemon)
    assert call.errors == ("EndpointConnectionError: ",)


def test_a_call_outside_of_every_span_is_not_traced_and_nothing_is_said_of_it(
    daemon: XrayDaemon, caplog: pytest.LogCaptureFixture
) -> None:
    service = Service()
    service.answers = [(200, b"{}")]
    service.put()
    assert (daemon.documents(), caplog.records) == ([], [])


def test_calls_are_traced_once_whoever_asks_for_it_too(tracer: XrayTracer, recorder: Any, daemon: XrayDaemon) -> None:
    from aws_xray_sdk.core import patch

    trace_calls(recorder)
    patch(("botocore",))
    service = Service()
    service.answers = [(200, b"{}")]
    with tracer.span("send_receipt", {}):
        service.put()
    assert len(calls(daemon)) == 1
