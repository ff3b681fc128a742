"""An order: its money is exact, its ways are few, and its customer hears of every one."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.unit.handlers.conftest import ORDER, Shop
from workflow.errors import GuardError, LeaseLostError, PayloadError, TransitionError


def test_a_payment_is_confirmed_by_a_mail_that_names_what_was_bought(shop: Shop) -> None:
    shop.paid_order()
    shop.delivery.run()
    assert shop.mail_service.sent == [
        {
            "FromEmailAddress": "shop@example.com",
            "Destination": {"ToAddresses": ["ada@example.com"]},
            "Content": {
                "Simple": {
                    "Subject": {"Data": "Your order 42 is paid", "Charset": "UTF-8"},
                    "Body": {
                        "Text": {
                            "Data": "Hello Ada,\n\nThank you! We have received 59.90 EUR for:\n  2 x MUG\n\n"
                            "Reference: order#42#2#send_receipt\n",
                            "Charset": "UTF-8",
                        }
                    },
                    "Headers": [{"Name": "X-Effect-Key", "Value": "order#42#2#send_receipt"}],
                }
            },
        }
    ]


def test_every_step_a_customer_should_see_is_one_line_of_the_order_history(shop: Shop) -> None:
    shop.shipped_order()
    shop.flow.fire("order", "42", "deliver")
    shop.flow.fire("order", "42", "refund", {"amount": "9.90"})
    shop.flow.fire("order", "42", "refund", {"amount": 50})
    shop.delivery.run()
    assert shop.lines() == [
        ("42#000001", "placed"),
        ("42#000002", "paid"),
        ("42#000003", "shipped"),
        ("42#000004", "delivered"),
        ("42#000005", "partly_refunded"),
        ("42#000006", "refunded"),
    ]


def test_a_line_of_the_order_history_says_how_the_order_stood_then(shop: Shop) -> None:
    shop.paid_order()
    moment = shop.flow.get("order", "42").changed_at
    shop.delivery.run()
    assert shop.tables.items["lines", "ada@example.com", "42#000002"] == {
        "email": {"S": "ada@example.com"},
        "line": {"S": "42#000002"},
        "order": {"S": "42"},
        "state": {"S": "paid"},
        "total": {"N": "59.9"},
        "refunded": {"N": "0"},
        "currency": {"S": "EUR"},
        "at": {"S": moment.isoformat()},
    }


def test_shipping_opens_a_shipment_for_each_parcel_and_tells_the_customer(shop: Shop) -> None:
    shop.shipped_order("42", "PARCEL-1", "PARCEL-2")
    shop.delivery.run()
    for parcel in ("PARCEL-1", "PARCEL-2"):
        shipment = shop.flow.get("shipment", parcel)
        assert (shipment.state, shipment.data) == (
            "expected",
            {"order": "42", "carrier": "USPS", "email": "ada@example.com", "name": "Ada", "told": []},
        )
    assert shop.subjects()[1:] == [("ada@example.com", "Your order 42 is on its way")]
    assert "  PARCEL-1\n  PARCEL-2\n" in shop.text(1)


@pytest.mark.parametrize(
    "parcels", [[], ["A", "A"], ["A", 7], ["A", ""], [["A"]], [{"id": "A"}], [f"P{number}" for number in range(51)]]
)
def test_an_order_leaves_only_in_parcels_that_have_a_code_each(shop: Shop, parcels: list[object]) -> None:
    shop.paid_order()
    with pytest.raises(GuardError, match=r"needs: are_parcels\(\)"):
        shop.flow.fire("order", "42", "ship", {"carrier": "USPS", "parcels": parcels})


def test_a_parcel_that_is_not_the_orders_or_has_arrived_already_delivers_nothing(shop: Shop) -> None:
    shop.shipped_order("42", "A", "B")
    shop.flow.fire("order", "42", "parcel_delivered", {"parcel": "A"})
    for parcel in ("A", "C"):
        with pytest.raises(GuardError):
            shop.flow.fire("order", "42", "parcel_delivered", {"parcel": parcel})
    assert shop.flow.get("order", "42").data["arrived"] == ["A"]


def test_an_effect_that_ran_but_was_not_committed_opens_no_second_shipment(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.paid_order()
    shop.delivery.run()
    shop.flow.fire("order", "42", "ship", {"carrier": "USPS", "parcels": ["PARCEL-1"]})

    def lose(*_: Any) -> None:
        raise LeaseLostError("the commit was lost")

    with monkeypatch.context() as patch:
        patch.setattr(shop.flow.runtime.ledger, "commit", lose)
        assert len(shop.delivery.run().failed) == 1
    shop.clock.advance(120)
    assert shop.delivery.run().failed == []
    assert [event.trigger for event in shop.flow.history("shipment", "PARCEL-1")] == ["create"]
    assert shop.flow.effects("order", "42")[2].outcomes["fire:shipment.create"].attempts == 2


def test_a_mail_that_ses_cannot_take_now_is_sent_later_and_what_follows_waits(shop: Shop) -> None:
    shop.mail_service.refusals = ["TooManyRequestsException"] * 3
    shop.paid_order()
    delivered = shop.delivery.run()
    assert (delivered.effects_failed, delivered.put_aside) == (3, 1)
    assert (shop.subjects(), shop.lines()) == ([], [("42#000001", "placed")])
    shop.clock.advance(60)
    assert shop.delivery.sweep().effects_done == 2
    assert (len(shop.subjects()), shop.lines()) == (1, [("42#000001", "placed"), ("42#000002", "paid")])


def test_a_mail_that_ses_refuses_for_good_waits_for_a_person_at_once(shop: Shop) -> None:
    shop.mail_service.refusals = ["MessageRejected"]
    shop.paid_order()
    assert shop.delivery.run().for_people == {("order", "send_receipt"): 1}
    (_, entry) = shop.flow.effects("order", "42")
    receipt = entry.outcomes["send_receipt"]
    assert (receipt.status, receipt.attempts, receipt.error) == (
        "parked",
        1,
        "MailRefusedError: MessageRejected: not now",
    )


def test_an_outage_of_the_mail_service_of_an_hour_calls_nobody(shop: Shop) -> None:
    shop.mail_service.refusals = ["InternalServiceErrorException"] * 100
    shop.paid_order()
    called = shop.delivery.run().for_people.total()
    for _ in range(60):
        shop.clock.advance(60)
        called += shop.delivery.sweep().for_people.total()
    assert called == 0
    shop.mail_service.refusals.clear()
    shop.clock.advance(1800)
    assert shop.delivery.sweep().effects_done == 2


def test_refunds_add_up_exactly_and_the_last_cent_makes_the_order_refunded(shop: Shop) -> None:
    shop.flow.create("order", "1", ORDER | {"total": "0.3"})
    shop.flow.fire("order", "1", "pay", {"amount": "0.3", "payment": "pi"})
    shop.flow.fire("order", "1", "ship", {"carrier": "USPS", "parcels": ["T"]})
    shop.flow.fire("order", "1", "deliver")
    partly = shop.flow.fire("order", "1", "refund", {"amount": 0.1}).entity
    assert (partly.state, partly.data["refunded"]) == ("partly_refunded", Decimal("0.1"))
    wholly = shop.flow.fire("order", "1", "refund", {"amount": 0.2}).entity
    assert (wholly.state, wholly.data["refunded"]) == ("refunded", Decimal("0.3"))


def test_a_refund_notice_names_this_refund_and_the_sum_of_all(shop: Shop) -> None:
    shop.shipped_order()
    shop.flow.fire("order", "42", "deliver")
    shop.flow.fire("order", "42", "refund", {"amount": "9.90"})
    shop.flow.fire("order", "42", "refund", {"amount": 50})
    shop.delivery.run()
    assert [text.split("\n\n")[1] for text in map(shop.text, (2, 3))] == [
        "We have sent 9.90 EUR back to you, 9.90 EUR in all.",
        "We have sent 50.00 EUR back to you, 59.90 EUR in all.",
    ]


@pytest.mark.parametrize("amount", [0, -5, "59.91"])
def test_no_refund_is_negative_nothing_or_more_than_was_paid(shop: Shop, amount: object) -> None:
    shop.shipped_order()
    shop.flow.fire("order", "42", "deliver")
    with pytest.raises(GuardError):
        shop.flow.fire("order", "42", "refund", {"amount": amount})


def test_before_the_parcel_leaves_only_all_the_money_can_go_back(shop: Shop) -> None:
    shop.paid_order()
    with pytest.raises(GuardError):
        shop.flow.fire("order", "42", "refund", {"amount": 1})
    assert shop.flow.fire("order", "42", "refund", {"amount": "59.90"}).entity.state == "refunded"


def test_an_order_is_not_paid_by_less_than_its_total(shop: Shop) -> None:
    shop.flow.create("order", "42", ORDER)
    with pytest.raises(GuardError, match=r"needs: payload.amount >= data.total"):
        shop.flow.fire("order", "42", "pay", {"amount": "59.89", "payment": "pi_1"})


def test_an_order_in_a_currency_the_shop_does_not_take_is_not_created(shop: Shop) -> None:
    with pytest.raises(PayloadError, match="allowed: EUR, GBP, USD"):
        shop.flow.create("order", "42", ORDER | {"currency": "XAU"})


def test_what_was_paid_cannot_be_cancelled_only_refunded(shop: Shop) -> None:
    shop.paid_order()
    with pytest.raises(TransitionError) as refusal:
        shop.flow.fire("order", "42", "cancel", {"reason": "changed my mind"})
    assert refusal.value.allowed == ("pack", "ship", "refund")


def test_an_order_that_is_not_paid_in_time_is_cancelled_and_says_why(shop: Shop) -> None:
    shop.flow.create("order", "42", ORDER)
    expired = shop.flow.fire("order", "42", "expire").entity
    assert (expired.state, expired.data["reason"]) == ("cancelled", "not paid in time")


def test_an_order_waits_half_an_hour_for_its_payment_and_is_cancelled_then(shop: Shop) -> None:
    shop.flow.create("order", "42", ORDER)
    shop.clock.advance(30 * 60 - 1)
    assert shop.delivery.sweep().timers_fired == 0
    shop.clock.advance(1)
    assert shop.delivery.sweep().timers_fired == 1
    event = shop.flow.history("order", "42")[-1]
    assert (event.trigger, event.target, event.by) == ("expire", "cancelled", "timer")
