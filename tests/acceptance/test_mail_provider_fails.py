"""The mail provider refuses every mail: what needs one is put aside, all else goes on, and a person lets it go on."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.acceptance.conftest import Deployed, an_order

ADA, BOB = "ada@provider.example.com", "bob@provider.example.com"
PAYMENT = {"amount": "59.90", "payment": "pi_1"}


@pytest.fixture
def without_mail_provider(deployed: Deployed) -> Iterator[Deployed]:
    """SES refuses every mail, for it no longer knows the sender."""
    deployed.settle()
    deployed.forget_sender()
    yield deployed
    deployed.verify_sender()


def test_an_order_whose_mail_is_refused_waits_for_a_person_and_goes_on_with_everything_once(
    without_mail_provider: Deployed,
) -> None:
    deployed, flow = without_mail_provider, without_mail_provider.flow
    flow.create("order", "refused", an_order(ADA))
    flow.fire("order", "refused", "pay", PAYMENT)
    flow.fire("order", "refused", "refund", {"amount": "59.90"})
    flow.create("order", "beside", an_order(BOB))
    flow.fire("order", "beside", "cancel", {"reason": "changed my mind"})
    failures = deployed.cloud.pump.counters.failures
    deployed.settle()

    # The stream has nothing left to say: nobody waits for the order behind which nothing goes on.
    assert deployed.cloud.pump.counters.failures == failures
    assert deployed.order_history(ADA) == [("refused#000001", "placed")]
    assert deployed.order_history(BOB) == [("beside#000001", "placed"), ("beside#000002", "cancelled")]
    assert [str(entry) for entry in flow.operations.parked(kind="order")] == ["the effects of order refused version 2"]
    why = deployed.why("order", "refused")
    assert why.startswith("'send_receipt' of version 2 waits for a person since ")
    assert "MailRefusedError: MessageRejected: Email address is not verified" in why

    # Without a person it stays so, for asking again changes nothing.
    assert deployed.sweep() == {}
    deployed.verify_sender()
    assert deployed.sweep() == {}

    flow.operations.redrive("order", "refused")
    assert deployed.sweep() == {"effects_done": 4}
    assert deployed.effects("order", "refused") == {
        "1 record_line": ("done", 1),
        "2 send_receipt": ("done", 2),
        "2 record_line": ("done", 1),
        "3 send_refund_notice": ("done", 1),
        "3 record_line": ("done", 1),
    }
    assert deployed.subjects_to(ADA) == ["Your order refused is paid", "Your order refused is refunded"]
    assert list(flow.operations.parked(kind="order")) == []
    assert deployed.sweep() == {}
