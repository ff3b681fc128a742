"""Faults between botocore and an engine, injected where a network would put them, and a record of what was sent."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from botocore.awsrequest import AWSRequest, AWSResponse
from botocore.exceptions import ReadTimeoutError

Fault = Callable[[AWSRequest], AWSResponse | None]
"""Given the request: an answer in the engine's place, None to let it through, or a raised network error."""


@dataclass
class Sent:
    """One request as it left the process."""

    operation: str
    body: dict[str, Any] = field(repr=False)

    @property
    def token(self) -> str:
        """The ClientRequestToken of a transaction."""
        return str(self.body["ClientRequestToken"])


class Wire:
    """Listens to a client's requests in the order they leave, and answers those in `faults` by a fault, one each."""

    def __init__(self, client: Any) -> None:
        self.sent: list[Sent] = []
        self.faults: list[Fault] = []
        self.only = ""
        client.meta.events.register_first("before-send.dynamodb", self._before_send)

    def fail(self, *faults: Fault, operation: str = "TransactWriteItems") -> None:
        """Lets the next requests of that operation meet the faults, one after another."""
        self.only, self.faults = operation, list(faults)

    def operations(self) -> list[str]:
        """The operations sent so far."""
        return [sent.operation for sent in self.sent]

    def tokens(self) -> list[str]:
        """The tokens of the transactions sent so far."""
        return [sent.token for sent in self.sent if sent.operation == "TransactWriteItems"]

    def _before_send(self, request: Any, **_: Any) -> AWSResponse | None:
        operation = operation_of(request)
        self.sent.append(Sent(operation, json.loads(request.body)))
        if operation != self.only or not self.faults:
            return None
        return self.faults.pop(0)(request)


def pass_through(request: AWSRequest) -> AWSResponse | None:
    """No fault."""
    return None


def lose_request(request: AWSRequest) -> AWSResponse | None:
    """The request never reaches the engine, and nobody says so."""
    raise ReadTimeoutError(endpoint_url=request.url)


def lose_response(request: AWSRequest) -> AWSResponse | None:
    """The engine gets and applies the request; its answer is lost."""
    plain = urllib.request.Request(request.url, data=request.body, headers=_headers(request), method="POST")
    with urllib.request.urlopen(plain) as answer:
        answer.read()
    raise ReadTimeoutError(endpoint_url=request.url)


def answer(status: int, code: str, message: str = "injected", **more: Any) -> Fault:
    """The engine's place is taken by an error answer with that code."""

    def fault(request: AWSRequest) -> AWSResponse | None:
        body = {"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": message, **more}
        headers = {"content-type": "application/x-amz-json-1.0"}
        return AWSResponse(request.url, status, headers, _Raw(json.dumps(body).encode()))

    return fault


def cancel(*codes: str) -> Fault:
    """The transaction is cancelled for these reasons, one for each of its parts."""
    reasons = [{"Code": code} if code == "None" else {"Code": code, "Message": f"{code}!"} for code in codes]
    return answer(400, "TransactionCanceledException", f"cancelled [{', '.join(codes)}]", CancellationReasons=reasons)


conflict = cancel("TransactionConflict", "None")
throttle = answer(400, "ThrottlingException", "slow down")


def written(operation: str, body: dict[str, Any]) -> list[tuple[str, str]]:
    """Partition and sort key of every item that the request writes."""
    if operation == "TransactWriteItems":
        parts = [next(iter(part.values())) for part in body["TransactItems"]]
    else:
        parts = [body] if operation in ("PutItem", "UpdateItem", "DeleteItem") else []
    keys = [part.get("Item") or part["Key"] for part in parts]
    return [(key["pk"]["S"], key["sk"]["S"]) for key in keys]


def operation_of(request: AWSRequest) -> str:
    """The name of the operation that is asked for."""
    target = request.headers["X-Amz-Target"]
    return (target if isinstance(target, str) else target.decode()).rpartition(".")[2]


def _headers(request: AWSRequest) -> dict[str, str]:
    return {name: v if isinstance(v, str) else v.decode() for name, v in request.headers.items()}


class _Raw:
    """As much of urllib3's response as AWSResponse asks for."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self, *_: Any, **__: Any) -> Any:
        yield self._body
