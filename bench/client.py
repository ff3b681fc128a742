"""botocore's own share of a call: our client against boto3's default one, the network stubbed away."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import boto3
from botocore.awsrequest import AWSResponse

from bench.material import NOW, image, order
from bench.measure import Row, speed_ratio
from workflow.aws import event_items
from workflow.aws.client import make_client
from workflow.engine.events import Event

CALLS = 100


def rows() -> Iterator[Row]:
    """The figure for the transaction that every transition makes."""
    default = boto3.client(
        "dynamodb", region_name="us-east-1", aws_access_key_id="bench", aws_secret_access_key="bench"
    )
    tuned = make_client("dynamodb", access_key="bench")
    for client in (default, tuned):
        client.meta.events.register("before-send.dynamodb.*", _answer)
    event = Event("order", "42", 2, "e" * 24, "pay", "placed", "paid", NOW, 1, {"amount": 120}, {})
    request = {
        "TransactItems": [
            {"Put": {"TableName": "bench", "Item": image(order("42", 2, "paid")), "ConditionExpression": "#v = :v"}},
            {"Put": {"TableName": "bench", "Item": event_items.write_event(event)}},
        ],
        "ClientRequestToken": "bench",
    }
    ratio, detail = speed_ratio(lambda: lambda: _calls(tuned, request), lambda: lambda: _calls(default, request))
    yield Row(f"client, {CALLS} stubbed transactions", "boto3's default client", ratio, 1.4, detail=detail)


def _calls(client: Any, request: dict[str, Any]) -> None:
    for _ in range(CALLS):
        client.transact_write_items(**request)


class _Body:
    def stream(self, *_: object, **__: object) -> Iterator[bytes]:
        yield b"{}"


def _answer(request: Any, **_: object) -> AWSResponse:
    response = AWSResponse(request.url, 200, {"x-amzn-RequestId": str(time.time())}, _Body())
    response._content = b"{}"
    return response
