"""One entity's hooks create and move another: the order its shipment, the shipment its order."""

from __future__ import annotations

from typing import Any

from handlers.easypost import receive
from tests.acceptance.conftest import Deployed, an_order

SCANS = (
    ("pre_transit", "2026-11-16T14:02:00Z", "Shipping Label Created"),
    ("in_transit", "2026-11-16T18:41:00Z", "Accepted at USPS Origin Facility"),
    ("in_transit", "2026-11-17T03:15:00Z", "Departed USPS Regional Facility"),
    ("out_for_delivery", "2026-11-19T07:32:00Z", "Out for Delivery"),
    ("delivered", "2026-11-20T10:57:00Z", "Delivered, Front Desk/Reception"),
)


def webhook(number: int) -> dict[str, Any]:
    scans = [{"status": status, "datetime": at, "message": message} for status, at, message in SCANS[: number + 1]]
    tracker = {"tracking_code": "MOVES-1", "status": SCANS[number][0], "tracking_details": scans}
    return {"id": f"evt_{number}", "description": "tracker.updated", "result": tracker}


def test_the_carriers_scans_move_the_shipment_and_its_arrival_delivers_the_order(deployed: Deployed) -> None:
    flow = deployed.flow
    flow.create("order", "moves", an_order("ada@moves.example.com"))
    flow.fire("order", "moves", "pay", {"amount": "59.90", "payment": "pi_1"})
    flow.fire("order", "moves", "ship", {"carrier": "USPS", "tracking": "MOVES-1"})
    deployed.settle()
    for number in range(len(SCANS)):
        receive(flow, webhook(number))
    deployed.settle()

    shipment, order = flow.history("shipment", "MOVES-1"), flow.history("order", "moves")
    assert [(e.trigger, e.changes.get("message")) for e in shipment] == [
        ("create", None),
        *((status, message) for status, _, message in SCANS),
    ]
    assert (shipment[0].by, shipment[0].cause) == ("hook:open_shipment", "order#moves#3#open_shipment")
    assert [(e.trigger, e.by, e.cause, e.depth) for e in order[3:]] == [
        ("deliver", "hook:deliver_order", "shipment#MOVES-1#6#deliver_order", 1)
    ]
    assert deployed.effects("shipment", "MOVES-1") == {"6 deliver_order": ("done", 1)}
    assert deployed.effects("order", "moves")["4 record_line"] == ("done", 1)
