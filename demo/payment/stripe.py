"""What this project sees of Stripe, on this machine: events, signed and posted."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from typing import Any, NamedTuple

import urllib3

_TIMEOUT_SECONDS = 30


class Reply(NamedTuple):
    """What the webhook answered."""

    status: int
    content: Mapping[str, Any]


def event(event_id: str, type: str, at: int, /, **of: object) -> dict[str, Any]:
    """An event as Stripe posts it, as far as anybody here reads it. https://docs.stripe.com/api/events/object"""
    return {"id": event_id, "object": "event", "type": type, "created": at, "livemode": False, "data": {"object": of}}


def declined(id: str, payment: str, at: int, code: str = "card_declined") -> dict[str, Any]:
    """The card was not accepted."""
    return event(id, "payment_intent.payment_failed", at, id=payment, last_payment_error={"code": code})


def authorised(id: str, payment: str, at: int, cents: int) -> dict[str, Any]:
    """So much can be taken."""
    return event(id, "payment_intent.amount_capturable_updated", at, id=payment, amount_capturable=cents)


def cancelled(id: str, payment: str, at: int) -> dict[str, Any]:
    """Nothing was taken, and nothing will be."""
    return event(id, "payment_intent.canceled", at, id=payment, last_payment_error=None)


def captured(id: str, payment: str, at: int, cents: object) -> dict[str, Any]:
    """So much was taken."""
    return event(id, "payment_intent.succeeded", at, id=payment, amount_received=cents)


def refunded(id: str, payment: str, at: int, cents: int, of: int) -> dict[str, Any]:
    """So much was given back in all, of so much that was taken."""
    sums = {"amount_refunded": cents, "amount_captured": of}
    return event(id, "charge.refunded", at, id=f"ch_{payment}", payment_intent=payment, **sums)


def disputed(id: str, payment: str, at: int, cents: int) -> dict[str, Any]:
    """The customer's bank asks for so much back."""
    of = {"payment_intent": payment, "amount": cents, "status": "needs_response"}
    return event(id, "charge.dispute.created", at, id=f"dp_{payment}", **of)


def closed(id: str, payment: str, at: int, outcome: str) -> dict[str, Any]:
    """The dispute is over."""
    return event(id, "charge.dispute.closed", at, id=f"dp_{payment}", payment_intent=payment, status=outcome)


def signature(secret: bytes, body: bytes, at: int | None = None) -> str:
    """What stands in Stripe-Signature. https://docs.stripe.com/webhooks#verify-manually"""
    seconds = int(time.time()) if at is None else at
    return f"t={seconds},v1={hmac.new(secret, b'%d.%s' % (seconds, body), hashlib.sha256).hexdigest()}"


def post(url: str, secret: bytes, content: Mapping[str, Any], *, at: int | None = None) -> Reply:
    """Posts the event, signed now or at another second."""
    body = json.dumps(content).encode()
    headers = {"Content-Type": "application/json", "Stripe-Signature": signature(secret, body, at)}
    answer = urllib3.request("POST", url, body=body, headers=headers, retries=False, timeout=_TIMEOUT_SECONDS)
    return Reply(answer.status, json.loads(answer.data) if answer.data else {})
