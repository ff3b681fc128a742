"""What may not happen does not: a clear refusal, nothing written, no hook woken."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from tests.acceptance.conftest import Deployed, an_order
from workflow import Refused
from workflow.errors import GuardError, PayloadError, TransitionError


@pytest.mark.parametrize(
    ("trigger", "payload", "error", "words"),
    [
        (
            "ship",
            {"carrier": "USPS", "parcels": ["X"]},
            TransitionError,
            "no transition 'ship' from 'placed' (version 1); from here: pay, cancel, expire",
        ),
        (
            "pay",
            {"amount": "59.89", "payment": "pi_1"},
            GuardError,
            "'pay' from 'placed' (version 1) needs: payload.amount >= data.total",
        ),
        (
            "pay",
            {"amount": "a lot"},
            PayloadError,
            "'pay': payload.amount takes a number, not this text; payload.payment is missing",
        ),
    ],
)
def test_a_forbidden_transition_says_what_is_allowed_and_leaves_no_trace(
    deployed: Deployed, trigger: str, payload: Mapping[str, object], error: type[Refused], words: str
) -> None:
    order = f"forbidden-{trigger}-{error.__name__}"
    deployed.flow.create("order", order, an_order("ada@forbidden.example.com"))
    deployed.settle()
    before, delivered = deployed.items(f"order#{order}"), deployed.cloud.pump.counters.records_seen

    with pytest.raises(error) as refusal:
        deployed.flow.fire("order", order, trigger, payload, request_id="once")
    deployed.settle()

    assert str(refusal.value) == f"order {order}: {words}"
    assert deployed.items(f"order#{order}") == before
    assert deployed.cloud.pump.counters.records_seen == delivered
