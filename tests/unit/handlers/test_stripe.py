"""What the payments' webhook makes of Stripe's events, where Stripe says less than one would expect."""

from __future__ import annotations

import pytest

from demo.payment.stripe import authorised, cancelled, event, refunded
from tests.shipped import REPOSITORY
from workflow.definition.load import load_definitions
from workflow.definition.webhooks.load import load_webhooks
from workflow.runtime.ask import Ask
from workflow.runtime.webhooks.mapping import IGNORED, AskMapping

NOON = 1_795_000_000


def read(content: dict[str, object]) -> Ask | str:
    definitions = load_definitions(REPOSITORY / "definitions")
    (webhook,) = (w for w in load_webhooks(REPOSITORY / "webhooks", definitions) if w.name == "stripe")
    return AskMapping(webhook).read({"body": content, "headers": {}})  # type: ignore[dict-item]


def asked(content: dict[str, object]) -> tuple[str, dict[str, object]]:
    ask = read(content)
    assert isinstance(ask, Ask)
    assert (ask.kind, ask.entity_id, ask.request_id) == ("payment", "pi_1", "stripe:evt_1")
    return ask.trigger, dict(ask.payload)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        ({"code": "card_declined", "type": "card_error"}, "card_declined"),
        ({"code": None, "type": "api_error"}, "api_error"),
        ({"type": "api_error"}, "api_error"),
        ({"code": None, "type": None}, "unknown"),
        (None, "unknown"),
    ],
)
def test_a_declined_card_has_a_reason_whatever_stripe_leaves_out(error: object, reason: str) -> None:
    declined = event("evt_1", "payment_intent.payment_failed", NOON, id="pi_1", last_payment_error=error)
    assert asked(declined) == ("decline", {"reason": reason, "at": NOON})


def test_a_payment_that_is_given_up_is_cancelled() -> None:
    assert asked(cancelled("evt_1", "pi_1", NOON)) == ("cancel", {"at": NOON})


def test_what_was_approved_and_let_go_is_not_given_back() -> None:
    assert read(refunded("evt_1", "pi_1", NOON, 5990, 0)) == IGNORED
    assert asked(refunded("evt_1", "pi_1", NOON, 1, 5990)) == ("refund", {"refunded": 1, "captured": 5990, "at": NOON})
    assert asked(authorised("evt_1", "pi_1", NOON, 5990)) == ("authorise", {"authorised": 5990, "at": NOON})
