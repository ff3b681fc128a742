"""An order leaves in several parcels. Its carrier reports them in any order; the customer hears of each step once."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from demo.shipment.carrier import SECRET, Reply, Scan, deliver, report
from tests.acceptance.conftest import Deployed, an_order

LABEL = Scan("pre_transit", "2026-11-16T14:02:00Z", "Shipping Label Created")
ACCEPTED = Scan("in_transit", "2026-11-16T18:41:00Z", "Accepted at USPS Origin Facility")
DEPARTED = Scan("in_transit", "2026-11-17T03:15:00Z", "Departed USPS Regional Facility")
STRANGE = Scan("eaten_by_dog", "2026-11-18T09:00:00Z", "Woof")
OUT = Scan("out_for_delivery", "2026-11-19T07:32:00Z", "Out for Delivery")
MISSED = Scan("available_for_pickup", "2026-11-19T16:20:00Z", "Notice Left (No Authorized Recipient)")
DELIVERED = Scan("delivered", "2026-11-20T10:57:00Z", "Delivered, Front Desk/Reception")


@pytest.fixture
def shop(deployed: Deployed) -> Deployed:
    deployed.verify_sender()
    return deployed


def shipped(shop: Deployed, order: str, *parcels: str) -> str:
    """An order that has left; the address of its customer."""
    email = f"{order}@parcels.example.com"
    shop.flow.create("order", order, an_order(email))
    shop.flow.fire("order", order, "pay", {"amount": "59.90", "payment": "pi_1"})
    shop.flow.fire("order", order, "ship", {"carrier": "USPS", "parcels": parcels})
    shop.settle()
    return email


def post(shop: Deployed, content: object, secret: bytes = b"") -> Reply:
    return deliver(f"{shop.cloud.webhook_url}/easypost", secret or shop.cloud.get_secret(SECRET), content)


def scans(shop: Deployed, parcel: str) -> Sequence[tuple[Any, str]]:
    """What was reported of a parcel, and where that put it."""
    return [(event.payload["status"], event.target) for event in shop.flow.history("shipment", parcel)[1:]]


def test_whatever_the_carrier_says_is_kept_and_only_the_newest_moves_the_parcel(shop: Deployed) -> None:
    email = shipped(shop, "ooo", "OOO-1")
    for scan in (LABEL, DEPARTED, ACCEPTED, STRANGE, OUT, LABEL, MISSED, DELIVERED, OUT):
        assert post(shop, report("OOO-1", [scan])).status == 200
    shop.settle()
    assert scans(shop, "OOO-1") == [
        ("pre_transit", "expected"),
        ("in_transit", "on_the_way"),
        ("in_transit", "on_the_way"),
        ("eaten_by_dog", "on_the_way"),
        ("out_for_delivery", "out_for_delivery"),
        ("pre_transit", "out_for_delivery"),
        ("available_for_pickup", "out_for_delivery"),
        ("delivered", "delivered"),
        ("out_for_delivery", "delivered"),
    ]
    assert shop.flow.get("shipment", "OOO-1").data["at"] == "2026-11-20T10:57:00.000000Z"
    assert shop.subjects_to(email)[2:] == [
        "Your parcel OOO-1 is out for delivery",
        "Your parcel OOO-1 has arrived",
    ]


def test_a_report_that_comes_twice_changes_nothing_and_gets_the_same_answer(shop: Deployed) -> None:
    shipped(shop, "twice", "TWICE-1")
    content = report("TWICE-1", [OUT])
    first, second = post(shop, content), post(shop, content)
    assert first == second == Reply(200, {"kind": "shipment", "id": "TWICE-1", "version": 2, "state": OUT.status})
    assert scans(shop, "TWICE-1") == [("out_for_delivery", "out_for_delivery")]


def test_who_is_not_the_carrier_and_what_belongs_to_nobody_changes_nothing(shop: Deployed) -> None:
    shipped(shop, "forged", "FORGED-1")
    assert post(shop, report("FORGED-1", [DELIVERED]), secret=b"a guess").status == 401
    assert post(shop, report("NOBODYS-1", [DELIVERED])).status == 404
    assert scans(shop, "FORGED-1") == []


def test_the_order_is_delivered_with_the_last_of_its_parcels(shop: Deployed) -> None:
    parcels = ("LAST-1", "LAST-2", "LAST-3")
    shipped(shop, "last", *parcels)
    for parcel in parcels[:2]:
        post(shop, report(parcel, [DELIVERED]))
    shop.settle()
    assert shop.flow.get("order", "last").state == "shipped"
    post(shop, report(parcels[2], [DELIVERED]))
    shop.settle()
    history = shop.flow.history("order", "last")[2:]
    assert [(event.trigger, event.target) for event in history] == [
        ("ship", "shipped"),
        ("parcel_delivered", "shipped"),
        ("parcel_delivered", "shipped"),
        ("parcel_delivered", "delivered"),
    ]
    assert (history[-1].by, history[-1].cause) == (
        "hook:fire:order.parcel_delivered",
        "shipment#LAST-3#2#fire:order.parcel_delivered",
    )
    assert shop.flow.history("shipment", "LAST-1")[0].cause == "order#last#3#fire:shipment.create"
    assert shop.effects("order", "last")["6 record_line"] == ("done", 1)


def test_parcels_that_arrive_at_the_same_moment_deliver_their_order_once(shop: Deployed) -> None:
    orders = {f"once{number}": [f"ONCE-{number}{letter}" for letter in "AB"] for number in range(2)}
    for order, parcels in orders.items():
        shipped(shop, order, *parcels)
    reports = [report(parcel, [DELIVERED]) for parcels in orders.values() for parcel in parcels]
    with ThreadPoolExecutor(len(reports)) as pool:
        assert {reply.status for reply in pool.map(lambda content: post(shop, content), reports)} == {200}
    shop.settle()
    for order, parcels in orders.items():
        assert [event.target for event in shop.flow.history("order", order)[2:]] == ["shipped", "shipped", "delivered"]
        assert sorted(shop.flow.get("order", order).data["arrived"]) == parcels


def test_a_parcel_of_an_order_that_there_is_not_says_so_where_somebody_looks_and_holds_up_nobody(
    shop: Deployed,
) -> None:
    shipped(shop, "stray", "STRAY-1")
    shop.flow.create("shipment", "STRAY-2", {"carrier": "USPS", "order": "no such order"})
    for parcel in ("STRAY-2", "STRAY-1"):
        post(shop, report(parcel, [DELIVERED]))
    shop.settle()
    (entry,) = shop.flow.effects("shipment", "STRAY-2")
    fired = entry.outcomes["fire:order.parcel_delivered"]
    assert (fired.status, fired.note) == ("done", "refused: there is no order no such order; create it first")
    assert shop.flow.get("order", "stray").state == "delivered"


def test_a_code_that_another_parcel_has_already_waits_for_a_person_who_is_told_which(shop: Deployed) -> None:
    shipped(shop, "typed", "TYPED-1")
    shipped(shop, "mistyped", "TYPED-1", "TYPED-2")
    assert shop.why("order", "mistyped").endswith(
        "CreateError: shipment TYPED-1 exists already, in 'expected' (version 1); give another id, or the same request "
        "id to repeat a request"
    )
    assert [shop.flow.get("shipment", parcel).data["order"] for parcel in ("TYPED-1", "TYPED-2")] == [
        "typed",
        "mistyped",
    ]
    shop.flow.operations.skip("order", "mistyped", "TYPED-1 was a slip of the pen")
    shop.sweep()
    shop.settle()
    assert shop.effects("order", "mistyped")["3 send_shipping_notice"] == ("done", 1)
