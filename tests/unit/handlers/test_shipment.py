"""A shipment: EasyPost's words, in the only orders that make sense, and an order that arrives with its parcel."""

from __future__ import annotations

from typing import Any

import pytest

from handlers.easypost import receive
from tests.unit.handlers.conftest import Shop
from workflow.errors import GuardError, TransitionError

ON_THE_WAY = {"in_transit", "out_for_delivery", "available_for_pickup", "failure", "delivered", "return_to_sender"}
FOLLOWS = {
    "unknown": {*ON_THE_WAY, "pre_transit", "cancelled", "error"},
    "pre_transit": {*ON_THE_WAY, "pre_transit", "cancelled", "error"},
    "in_transit": {*ON_THE_WAY, "error"},
    "out_for_delivery": {*ON_THE_WAY, "error"},
    "available_for_pickup": {*ON_THE_WAY, "error"},
    "failure": ON_THE_WAY - {"failure"} | {"error"},
    "error": {*ON_THE_WAY, "pre_transit", "cancelled"},
    "return_to_sender": {"return_to_sender"},
    "delivered": set(),
    "cancelled": set(),
}
"""EasyPost's ten statuses (https://docs.easypost.com/docs/trackers), each with those that may follow it."""


def webhook(status: str, at: str = "2026-11-16T14:02:00Z", **tracker: Any) -> dict[str, Any]:
    scan = {
        "object": "TrackingDetail",
        "datetime": at,
        "message": f"Parcel is {status}",
        "status": status,
        "status_detail": "arrived_at_facility",
        "tracking_location": {"city": "Chicago", "state": "IL", "country": "US", "zip": "60699"},
    }
    first = {"object": "TrackingDetail", "datetime": "2026-11-16T09:00:00Z", "message": "Label", "status": "unknown"}
    result = {"object": "Tracker", "tracking_code": "TRACK-1", "status": status, "tracking_details": [first, scan]}
    return {"id": f"evt_{status}_{at}", "description": "tracker.updated", "result": result | tracker}


@pytest.fixture
def tracked(shop: Shop) -> Shop:
    shop.flow.create("shipment", "TRACK-1", {"carrier": "USPS", "tracking_code": "TRACK-1"})
    return shop


def test_the_states_are_easyposts_and_each_is_followed_only_by_what_can_follow_it(shop: Shop) -> None:
    definition = shop.flow.definitions.find("shipment")
    assert definition is not None
    assert {state: set(definition.triggers_from(state)) for state in definition.states} == FOLLOWS
    assert {(t.trigger, t.target) for t in definition.transitions} == {(t, t) for t in FOLLOWS if t != "unknown"}


def test_a_webhook_keeps_what_the_newest_scan_and_the_tracker_say(tracked: Shop) -> None:
    accepted = receive(tracked.flow, webhook("in_transit", est_delivery_date="2026-11-20T00:00:00Z", signed_by=None))
    assert (accepted.entity.state, accepted.entity.data, accepted.event.request_id, accepted.event.by) == (
        "in_transit",
        {
            "carrier": "USPS",
            "tracking_code": "TRACK-1",
            "datetime": "2026-11-16T14:02:00.000000Z",
            "message": "Parcel is in_transit",
            "status_detail": "arrived_at_facility",
            "tracking_location": {"city": "Chicago", "state": "IL", "country": "US", "zip": "60699"},
            "est_delivery_date": "2026-11-20T00:00:00.000000Z",
        },
        "easypost:evt_in_transit_2026-11-16T14:02:00Z",
        "easypost",
    )


def test_what_a_webhook_leaves_empty_is_not_forgotten(tracked: Shop) -> None:
    receive(tracked.flow, webhook("pre_transit", est_delivery_date="2026-11-20T00:00:00Z"))
    accepted = receive(tracked.flow, webhook("in_transit", est_delivery_date=None))
    assert accepted.entity.data["est_delivery_date"] == "2026-11-20T00:00:00.000000Z"


def test_a_webhook_that_comes_twice_makes_one_event(tracked: Shop) -> None:
    first, second = receive(tracked.flow, webhook("in_transit")), receive(tracked.flow, webhook("in_transit"))
    assert (second.repeated, second.event) == (True, first.event)
    assert len(tracked.flow.history("shipment", "TRACK-1")) == 2


def test_a_tracker_in_error_may_have_no_scans(tracked: Shop) -> None:
    assert receive(tracked.flow, webhook("error", tracking_details=[])).entity.state == "error"


def test_a_status_that_easypost_does_not_have_is_refused_with_those_it_has(tracked: Shop) -> None:
    with pytest.raises(TransitionError) as refusal:
        receive(tracked.flow, webhook("lost_at_sea"))
    assert set(refusal.value.allowed) == FOLLOWS["unknown"]


@pytest.mark.parametrize("at", ["2026-11-16T14:01:59Z", "2026-11-16T15:01:59+01:00"])
def test_a_scan_older_than_the_last_one_is_refused(tracked: Shop, at: str) -> None:
    receive(tracked.flow, webhook("out_for_delivery"))
    with pytest.raises(GuardError, match="scanned_in_order"):
        receive(tracked.flow, webhook("in_transit", at))


def test_two_scans_of_the_same_minute_are_both_kept(tracked: Shop) -> None:
    receive(tracked.flow, webhook("in_transit"))
    assert receive(tracked.flow, webhook("out_for_delivery")).entity.version == 3


def test_the_arrival_of_a_parcel_delivers_its_order(shop: Shop) -> None:
    shop.shipped_order()
    shop.delivery.run()
    receive(shop.flow, webhook("delivered", signed_by="A. Lovelace"))
    shop.delivery.run()
    event = shop.flow.history("order", "42")[-1]
    assert (event.trigger, event.target, event.by, event.cause) == (
        "deliver",
        "delivered",
        "hook:deliver_order",
        "shipment#TRACK-1#2#deliver_order",
    )


def test_the_arrival_of_a_parcel_whose_order_went_another_way_is_settled(shop: Shop) -> None:
    shop.shipped_order()
    shop.delivery.run()
    shop.flow.fire("order", "42", "return", {"reason": "refused at the door"})
    receive(shop.flow, webhook("delivered"))
    delivered = shop.delivery.run()
    assert (delivered.failed, delivered.effects_failed) == ([], 0)
    assert shop.flow.get("order", "42").state == "returned"


def test_the_arrival_of_a_parcel_without_an_order_is_nobodys_business(tracked: Shop) -> None:
    receive(tracked.flow, webhook("delivered"))
    assert tracked.delivery.run().effects_done == 1


def test_a_parcel_on_its_way_back_alerts_the_shop_once_however_often_it_is_scanned(tracked: Shop) -> None:
    receive(tracked.flow, webhook("return_to_sender"))
    receive(tracked.flow, webhook("return_to_sender", "2026-11-17T09:00:00Z"))
    tracked.delivery.run()
    assert tracked.subjects() == [("shop@example.com", "Parcel TRACK-1: return to sender")]
    assert tracked.text(0).startswith("USPS says: Parcel is return_to_sender\nOrder: none\n")


@pytest.mark.parametrize("status", ["failure", "cancelled"])
def test_a_parcel_that_will_not_arrive_alerts_the_shop(tracked: Shop, status: str) -> None:
    receive(tracked.flow, webhook(status))
    tracked.delivery.run()
    assert tracked.subjects() == [("shop@example.com", f"Parcel TRACK-1: {status}")]
