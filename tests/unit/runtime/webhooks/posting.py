"""Webhooks over the sample definitions, and somebody who signs and posts to them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tests.fakes.clock import FakeClock
from tests.fakes.stores import FaultyStore
from tests.samples import definitions
from workflow.definition.definition import Definitions
from workflow.definition.webhooks.webhook import Accept, From, Signature, Webhook, Webhooks
from workflow.errors import Retryable, SecretAccessError
from workflow.runtime.hooks import Hooks
from workflow.runtime.runtime import Runtime
from workflow.runtime.webhooks.receive import Answer, Delivery, Receiver

SECRET = b"It's a Secret to Everybody"
WHSEC = b"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

GITHUB = Webhook(
    name="github",
    signature=Signature("github", ("ssm:/github",), "x-hub-signature-256"),
    request_id='headers."x-github-delivery"',
    by="body.sender.login",
    accepts=(
        Accept(
            when="headers.\"x-github-event\" == 'opened'",
            kind="order",
            id="body.id",
            trigger="create",
            payload={"total": "body.total", "email": "body.email"},
        ),
        Accept(
            when="headers.\"x-github-event\" == 'paid'",
            ignore="body.draft",
            kind="order",
            id="body.id",
            trigger="pay",
            payload={"amount": "body.amount", "email": "body.email"},
        ),
        Accept(
            when="headers.\"x-github-event\" == 'any'",
            kind=From("body.kind"),
            id="body.id",
            trigger=From("body.trigger"),
            payload={"note": "body.note", "carrier": "length(body.carrier)"},
        ),
    ),
)


def scheme(name: str, header: str = "", **said: Any) -> Webhook:
    """A webhook `own` of that scheme whose every delivery pays order 42."""
    headers = {"github": "x-hub-signature-256", "timestamped": "stripe-signature"}
    signature = Signature(name, ("ssm:/own",), header or headers.get(name, "webhook-signature"), **said)
    accept = Accept(kind="order", id="'42'", trigger="pay", payload={"amount": "body.amount"})
    return Webhook("own", signature, "body.id", (accept,))


def hexed(secret: bytes, content: bytes) -> str:
    """The HMAC-SHA256 in hexadecimal digits."""
    return hmac.digest(secret, content, hashlib.sha256).hex()


def based(secret: bytes, content: bytes) -> str:
    """The HMAC-SHA256 in base64."""
    return base64.b64encode(hmac.digest(secret, content, "sha256")).decode()


def signed(webhook: Webhook, body: bytes, at: int, secret: bytes = SECRET) -> dict[str, str]:
    """The headers with which a sender of that scheme signs the body, at that time in seconds since 1970."""
    own = webhook.signature
    if own.scheme == "github":
        return {"x-hub-signature-256": f"sha256={hexed(secret, body)}"}
    if own.scheme == "timestamped":
        return {own.header: f"t={at},v1={hexed(secret, f'{at}.'.encode() + body)}"}
    if own.scheme == "standard-webhooks":
        key = base64.b64decode(secret.removeprefix(b"whsec_"))
        content = f"msg_1.{at}.".encode() + body
        signature = f"v1,{based(key, content)}"
        return {"webhook-id": "msg_1", "webhook-timestamp": str(at), "webhook-signature": signature}
    return {own.header: own.prefix + (hexed if own.encoding == "hex" else based)(secret, body)}


class FakeSecrets:
    """Secrets as they are `stored`, and as they were read; a failure is raised instead. `asked` counts reads afresh."""

    def __init__(self, stored: Mapping[str, bytes | Retryable]) -> None:
        self.stored = dict(stored)
        self.asked: list[str] = []
        self._kept: dict[str, bytes] = {}

    def get(self, name: str, *, afresh: bool = False) -> bytes:
        if afresh:
            self.asked.append(name)
        if afresh or name not in self._kept:
            found = self.stored.get(name, SecretAccessError(f"there is no secret {name}"))
            if isinstance(found, Retryable):
                raise found
            self._kept[name] = found
        return self._kept[name]


class Post:
    """A receiver of webhooks over a store in memory, in which order 42 waits for 100; and who posts to it."""

    def __init__(self, *webhooks: Webhook, clock: FakeClock | None = None) -> None:
        self.webhooks = Webhooks(webhooks or (GITHUB,))
        self.clock = clock or FakeClock()
        self.store = FaultyStore()
        stored = {name: SECRET for webhook in self.webhooks for name in webhook.signature.secrets}
        self.secrets = FakeSecrets(stored)
        self.use(definitions(), Hooks())

    def use(self, definitions: Definitions, hooks: Hooks) -> None:
        """Receives by these from now on."""
        self.runtime = Runtime(definitions, hooks, self.store, self.store.ledger, self.clock)
        self.receiver = Receiver(self.runtime, self.webhooks, self.secrets)

    @property
    def seconds(self) -> int:
        return int(self.clock.now().timestamp())

    def order(self, order_id: str = "42", total: int = 100) -> None:
        """Creates an order through a delivery of its own."""
        answer = self.github("opened", {"id": order_id, "total": total}, request_id=f"create-{order_id}")
        assert answer.status == 200, answer

    def github(self, kind: str, body: Any, request_id: str = "1", **headers: str) -> Answer:
        """Posts the body, JSON or bytes, as GitHub does, rightly signed."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        own = {"x-github-event": kind, "x-github-delivery": request_id, **signed(GITHUB, raw, 0), **headers}
        return self.receiver.receive(Delivery("github", own, raw))

    def own(self, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Posts to the webhook `own`."""
        return self.receiver.receive(Delivery("own", headers, body))

    def written(self) -> list[tuple[str, int, str]]:
        """Every event there is: of which entity, which version, by which trigger."""
        return [
            (entity_id, event.version, event.trigger)
            for kind, entity_id in self.store.entity_keys()
            for event in self.store.events(kind, entity_id)
        ]


def with_secrets(webhook: Webhook, *names: str) -> Webhook:
    """The webhook with these secrets active."""
    return replace(webhook, signature=replace(webhook.signature, secrets=names))
