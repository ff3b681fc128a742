"""The mail service is out for a while: the order that needs it waits, all others go on, and nothing is done twice."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.acceptance.conftest import Deployed, an_order, eventually

ADA, BOB = "ada@recovers.example.com", "bob@recovers.example.com"


@pytest.fixture
def without_mail_service(deployed: Deployed) -> Iterator[Deployed]:
    """SES refuses every mail, for it no longer knows the sender."""
    deployed.settle()
    deployed.mail_service.delete_identity(Identity=deployed.cloud.env["MAIL_FROM"])
    yield deployed
    deployed.verify_sender()


def test_a_failing_hook_holds_up_its_own_order_only_and_recovers(without_mail_service: Deployed) -> None:
    deployed, flow = without_mail_service, without_mail_service.flow
    flow.create("order", "waits", an_order(ADA))
    flow.fire("order", "waits", "pay", {"amount": "59.90", "payment": "pi_1"})
    flow.fire("order", "waits", "pack")
    flow.fire("order", "waits", "refund", {"amount": "59.90"})
    eventually(lambda: deployed.effects("order", "waits").get("2 send_receipt", ("", 0))[0] == "failed")
    already = len(deployed.deliveries)
    flow.create("order", "goes-on", an_order(BOB))
    flow.fire("order", "goes-on", "cancel", {"reason": "changed my mind"})
    eventually(lambda: deployed.effects("order", "goes-on").get("2 record_line", ("", 0))[0] == "done")

    failed = flow.effects("order", "waits")[1].outcomes["send_receipt"]
    assert failed.status == "failed"
    assert failed.error.startswith("MessageRejected: ")
    assert deployed.order_history(ADA) == [("waits#000001", "placed")]
    assert deployed.order_history(BOB) == [("goes-on#000001", "placed"), ("goes-on#000002", "cancelled")]

    deployed.verify_sender()
    deployed.settle()

    effects = deployed.effects("order", "waits")
    status, attempts = effects.pop("2 send_receipt")
    assert (status, attempts >= 2) == ("done", True)
    assert effects == {
        "1 record_line": ("done", 1),
        "2 record_line": ("done", 1),
        "4 send_refund_notice": ("done", 1),
        "4 record_line": ("done", 1),
    }
    assert deployed.effects("order", "goes-on") == {"1 record_line": ("done", 1), "2 record_line": ("done", 1)}
    assert deployed.subjects_to(ADA) == ["Your order waits is paid", "Your order waits is refunded"]
    held_up = [delivery for delivery in deployed.deliveries[already:] if delivery.failure]
    assert held_up
    assert all("batchItemFailures" in delivery.failure for delivery in held_up)
    assert not any(delivery.failure for delivery in deployed.deliveries[-1:])
