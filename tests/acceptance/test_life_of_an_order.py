"""An order from the basket to the last refund, on the deployed template."""

from __future__ import annotations

from tests.acceptance.conftest import Deployed, an_order
from workflow.engine.events import fold

ADA = "ada@life.example.com"


def test_an_order_lives_its_life_and_its_customer_hears_of_every_step(deployed: Deployed) -> None:
    flow = deployed.flow
    flow.create("order", "life", an_order(ADA), by="shop")
    flow.fire("order", "life", "pay", {"amount": "59.90", "payment": "pi_1"}, request_id="stripe:evt_1", by="stripe")
    flow.fire("order", "life", "pack", by="warehouse")
    flow.fire("order", "life", "ship", {"carrier": "USPS", "parcels": ["LIFE-1"]}, by="warehouse")
    flow.fire("order", "life", "deliver", by="support")
    flow.fire("order", "life", "refund", {"amount": "9.90"}, by="support")
    flow.fire("order", "life", "refund", {"amount": "50"}, by="support")
    deployed.settle()

    history = flow.history("order", "life")
    assert [(e.version, e.trigger, e.source, e.target, e.by) for e in history] == [
        (1, "create", "", "placed", "shop"),
        (2, "pay", "placed", "paid", "stripe"),
        (3, "pack", "paid", "packed", "warehouse"),
        (4, "ship", "packed", "shipped", "warehouse"),
        (5, "deliver", "shipped", "delivered", "support"),
        (6, "refund", "delivered", "partly_refunded", "support"),
        (7, "refund", "partly_refunded", "refunded", "support"),
    ]
    assert fold(history) == flow.get("order", "life")
    assert list(deployed.effects("order", "life").items()) == [
        ("1 record_line", ("done", 1)),
        ("2 send_receipt", ("done", 1)),
        ("2 record_line", ("done", 1)),
        ("4 fire:shipment.create", ("done", 1)),
        ("4 send_shipping_notice", ("done", 1)),
        ("4 record_line", ("done", 1)),
        ("5 record_line", ("done", 1)),
        ("6 send_refund_notice", ("done", 1)),
        ("6 record_line", ("done", 1)),
        ("7 send_refund_notice", ("done", 1)),
        ("7 record_line", ("done", 1)),
    ]
    assert [(mail.subject, mail.body.splitlines()[-1]) for mail in deployed.mails_to(ADA)] == [
        ("Your order life is paid", "Reference: order#life#2#send_receipt"),
        ("Your order life is on its way", "Reference: order#life#4#send_shipping_notice"),
        ("Your order life is refunded", "Reference: order#life#6#send_refund_notice"),
        ("Your order life is refunded", "Reference: order#life#7#send_refund_notice"),
    ]
    assert deployed.order_history(ADA) == [
        ("life#000001", "placed"),
        ("life#000002", "paid"),
        ("life#000004", "shipped"),
        ("life#000005", "delivered"),
        ("life#000006", "partly_refunded"),
        ("life#000007", "refunded"),
    ]
