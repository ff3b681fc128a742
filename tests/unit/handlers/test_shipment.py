"""A shipment: reports in any order move it as they should, its customer hears once, and its order arrives with it."""

from __future__ import annotations

import json
from itertools import permutations
from typing import Any

import pytest

from demo.shipment.carrier import Scan, report, signed
from tests.unit.handlers.conftest import DEFINITIONS, Shop
from workflow.definition.webhooks.load import load_webhooks
from workflow.runtime.webhooks.receive import Answer, Delivery, Receiver

SECRET = b"a secret of EasyPost's"
ADA = "ada@example.com"
MOVES = {
    "pre_transit": "expected",
    "in_transit": "on_the_way",
    "out_for_delivery": "out_for_delivery",
    "available_for_pickup": "out_for_delivery",
    "failure": "exception",
    "return_to_sender": "going_back",
    "cancelled": "exception",
    "delivered": "delivered",
    "unknown": "expected",
    "error": "expected",
    "lost_at_sea": "expected",
}
"""Where a parcel of which nothing was heard is after its first scan: EasyPost's statuses, and one that it has not."""


class Secrets:
    def get(self, name: str, *, afresh: bool = False) -> bytes:
        return {"ssm:/workflow/easypost-webhook": SECRET}[name]


class Tracked:
    """The shop with the carrier's webhook, and a parcel that belongs to no order."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        webhooks = load_webhooks(DEFINITIONS.parent / "webhooks", shop.flow.definitions)
        self._receiver = Receiver(shop.flow.runtime, webhooks, Secrets())
        shop.flow.create("shipment", "TRACK-1", {"carrier": "USPS", "email": ADA, "name": "Ada"})

    def post(self, content: object, secret: bytes = SECRET) -> Answer:
        body = json.dumps(content).encode()
        headers = {name.lower(): value for name, value in signed(body, secret).items()}
        return self._receiver.receive(Delivery("easypost", headers, body))

    def scan(self, status: str, hour: int = 12, *, tracking: str = "TRACK-1", **more: Any) -> Answer:
        """Posts the report of a scan, and runs what it owes."""
        answer = self.post(report(tracking, [scan_of(status, hour)], **more))
        assert self.shop.delivery.run().failed == []
        return answer

    @property
    def states(self) -> list[str]:
        return [event.target for event in self.shop.flow.history("shipment", "TRACK-1")[1:]]

    @property
    def told(self) -> list[str]:
        """What the customer was told of parcels."""
        return [subject for to, subject in self.shop.subjects() if to == ADA and subject.startswith("Your parcel")]


def scan_of(status: str, hour: int) -> Scan:
    return Scan(status, f"2026-11-16T{hour:02}:00:00Z", f"Parcel is {status}")


@pytest.fixture
def tracked(shop: Shop) -> Tracked:
    return Tracked(shop)


@pytest.mark.parametrize("status", MOVES)
def test_every_word_of_the_carrier_is_an_event_and_those_that_say_where_it_is_move_the_parcel(
    tracked: Tracked, status: str
) -> None:
    answer = tracked.scan(status)
    assert (answer.status, answer.outcome) == (200, "accepted")
    assert tracked.states == [MOVES[status]]
    event = tracked.shop.flow.history("shipment", "TRACK-1")[-1]
    assert {**event.payload} == {
        "status": status,
        "at": "2026-11-16T12:00:00.000000Z",
        "message": f"Parcel is {status}",
    }
    assert event.by == "webhook:easypost"


@pytest.mark.parametrize("status", [status for status in MOVES if status != "return_to_sender"])
def test_what_comes_late_is_kept_and_moves_nothing(tracked: Tracked, status: str) -> None:
    tracked.scan("out_for_delivery", 12)
    before = tracked.shop.flow.get("shipment", "TRACK-1")
    assert tracked.scan(status, 11).status == 200
    after = tracked.shop.flow.get("shipment", "TRACK-1")
    assert (after.state, after.data, after.version) == (before.state, before.data, before.version + 1)
    assert tracked.shop.flow.history("shipment", "TRACK-1")[-1].payload["status"] == status
    assert len(tracked.told) == 1


@pytest.mark.parametrize("status", MOVES)
def test_nothing_moves_a_parcel_that_has_arrived(tracked: Tracked, status: str) -> None:
    tracked.scan("delivered", 12)
    assert tracked.scan(status, 13).status == 200
    assert tracked.states == ["delivered", "delivered"]
    assert tracked.told == ["Your parcel TRACK-1 has arrived"]


def test_in_whatever_order_reports_come_the_parcel_ends_where_the_newest_says(tracked: Tracked) -> None:
    scans = [scan_of("pre_transit", 1), scan_of("in_transit", 2), scan_of("failure", 3), scan_of("in_transit", 4)]
    for number, order in enumerate(permutations(scans)):
        id = f"P-{number}"
        tracked.shop.flow.create("shipment", id, {"carrier": "USPS"})
        for scan in order:
            assert tracked.post(report(id, [scan])).status == 200
        entity = tracked.shop.flow.get("shipment", id)
        assert (entity.state, entity.data["at"], entity.version) == ("on_the_way", "2026-11-16T04:00:00.000000Z", 5)


@pytest.mark.parametrize(
    "scans",
    [
        ("in_transit", "out_for_delivery"),
        ("in_transit", "failure"),
        ("out_for_delivery", "failure"),
        ("failure", "delivered"),
        ("in_transit", "out_for_delivery", "failure"),
        ("in_transit", "available_for_pickup", "delivered"),
    ],
)
def test_of_two_scans_of_the_same_minute_the_one_further_along_counts_whichever_comes_first(
    tracked: Tracked, scans: tuple[str, ...]
) -> None:
    for number, order in enumerate(permutations(scans)):
        id = f"P-{number}"
        tracked.shop.flow.create("shipment", id, {"carrier": "USPS"})
        for status in order:
            tracked.scan(status, tracking=id)
        assert tracked.shop.flow.get("shipment", id).state == MOVES[scans[-1]], order


@pytest.mark.parametrize("status", ["in_transit", "out_for_delivery"])
def test_what_comes_after_a_failed_attempt_leads_back_only_if_it_is_later(tracked: Tracked, status: str) -> None:
    tracked.scan("failure", 12)
    tracked.scan(status, 12)
    tracked.scan(status, 13)
    assert tracked.states == ["exception", "exception", MOVES[status]]


@pytest.mark.parametrize("before", ["in_transit", "out_for_delivery", "failure"])
@pytest.mark.parametrize("hour", [11, 12, 13])
def test_what_is_sent_back_stays_on_its_way_back_whatever_is_scanned_there(
    tracked: Tracked, before: str, hour: int
) -> None:
    shop = tracked.shop
    shop.shipped_order("42", "A")
    shop.delivery.run()
    for status, scanned in ((before, 12), ("return_to_sender", hour), *((status, 15) for status in MOVES)):
        assert tracked.scan(status, scanned, tracking="A").status == 200
    parcel = shop.flow.get("shipment", "A")
    at = f"2026-11-16T{max(hour, 12)}:00:00.000000Z"
    assert (parcel.state, parcel.data["status"], parcel.data["at"]) == ("going_back", "return_to_sender", at)
    assert shop.flow.get("order", "42").state == "shipped"
    assert tracked.told[-1] == "Your parcel A is on its way back to us"
    assert ("shop@example.com", "Parcel A: return to sender") in shop.subjects()


def test_a_time_of_another_zone_is_compared_as_the_moment_that_it_is(tracked: Tracked) -> None:
    tracked.scan("out_for_delivery", 12)
    tracked.post(report("TRACK-1", [Scan("in_transit", "2026-11-16T12:59:59+01:00", "late by a second")]))
    tracked.post(report("TRACK-1", [Scan("in_transit", "2026-11-16T13:00:00+01:00", "the same moment")]))
    tracked.post(report("TRACK-1", [Scan("in_transit", "2026-11-16T13:00:01+01:00", "later by a second")]))
    assert tracked.states == [*["out_for_delivery"] * 3, "on_the_way"]


def test_a_report_that_comes_twice_is_one_event_and_gets_the_same_answer(tracked: Tracked) -> None:
    content = report("TRACK-1", [scan_of("in_transit", 12)])
    first, second = tracked.post(content), tracked.post(content)
    assert (first.outcome, second.outcome) == ("accepted", "repeated")
    assert first.content == second.content
    assert tracked.states == ["on_the_way"]


def test_a_report_before_its_shipment_is_there_is_told_so_and_taken_when_it_comes_again(tracked: Tracked) -> None:
    content = report("TRACK-2", [scan_of("in_transit", 12)])
    assert tracked.post(content).status == 404
    tracked.shop.flow.create("shipment", "TRACK-2", {"carrier": "USPS"})
    assert tracked.post(content).status == 200


def test_a_tracker_may_have_no_scans_yet(tracked: Tracked) -> None:
    assert tracked.post(report("TRACK-1", [])).status == 200
    assert tracked.states == ["expected"]


@pytest.mark.parametrize(
    ("content", "status"),
    [
        ({"id": "evt_1", "description": "batch.created", "result": {}}, 204),
        ({"description": "tracker.updated", "result": {"tracking_code": "TRACK-1", "status": "delivered"}}, 400),
        ({"id": "evt_1", "description": "tracker.updated", "result": {"status": "delivered"}}, 400),
        ({"id": "evt_1", "description": "tracker.updated", "result": []}, 400),
        (report("TRACK-1", [Scan("delivered", "yesterday", "x")]) | {"id": "evt_1"}, 422),
        (report("TRACK-1", [Scan(["delivered"], "2026-11-16T12:00:00Z", "x")]) | {"id": "evt_1"}, 422),  # type: ignore[arg-type]
    ],
)
def test_what_is_no_report_of_a_scan_writes_nothing(tracked: Tracked, content: object, status: int) -> None:
    assert tracked.post(content).status == status
    assert tracked.states == []


def test_only_easypost_can_report(tracked: Tracked) -> None:
    assert tracked.post(report("TRACK-1", [scan_of("delivered", 12)]), secret=b"a guess").status == 401
    assert tracked.states == []


def test_the_customer_hears_of_each_milestone_once_however_often_it_comes(tracked: Tracked) -> None:
    for hour, status in enumerate(
        [
            *("pre_transit", "in_transit", "out_for_delivery", "available_for_pickup", "failure", "in_transit"),
            *("out_for_delivery", "failure", "out_for_delivery", "delivered", "delivered"),
        ]
    ):
        tracked.scan(status, hour)
    assert tracked.told == [
        "Your parcel TRACK-1 is out for delivery",
        "Your parcel TRACK-1 needs a little longer",
        "Your parcel TRACK-1 has arrived",
    ]
    assert tracked.shop.flow.get("shipment", "TRACK-1").data["told"] == ["out_for_delivery", "exception", "delivered"]
    assert tracked.shop.text(0).startswith("Hello Ada,\n\nUSPS says: Parcel is out_for_delivery\n")


def test_a_message_whose_commit_was_lost_goes_again_as_the_same_message(
    tracked: Tracked, monkeypatch: pytest.MonkeyPatch
) -> None:
    tracked.scan("in_transit", 1)
    with monkeypatch.context() as patch:
        patch.setattr(tracked.shop.flow.runtime.ledger, "commit", lambda *_: 1 / 0)
        tracked.post(report("TRACK-1", [scan_of("out_for_delivery", 2)]))
        assert len(tracked.shop.delivery.run().failed) == 1
    tracked.shop.clock.advance(120)
    tracked.shop.delivery.run()
    keys = {tracked.shop.text(number).rpartition("Reference: ")[2] for number in (0, 1)}
    assert (len(tracked.told), len(keys)) == (2, 1)


def test_who_signed_for_it_stands_in_no_log(tracked: Tracked) -> None:
    tracked.scan("delivered", signed_by="A. Lovelace")
    assert tracked.shop.flow.get("shipment", "TRACK-1").data["signed_by"] == "A. Lovelace"
    assert {"signed_by", "email", "name"} <= tracked.shop.flow.runtime.get_definition("shipment").sensitive


@pytest.mark.parametrize("status", ["failure", "cancelled", "return_to_sender"])
def test_a_parcel_that_will_not_arrive_alerts_the_shop_once(tracked: Tracked, status: str) -> None:
    tracked.scan(status, 1)
    tracked.scan(status, 2)
    alerts = [subject for to, subject in tracked.shop.subjects() if to == "shop@example.com"]
    assert alerts == [f"Parcel TRACK-1: {status.replace('_', ' ')}"]
    assert tracked.shop.text(1).startswith(f"USPS says: Parcel is {status}\nOrder: none\n")


def test_the_last_of_its_parcels_delivers_the_order(tracked: Tracked) -> None:
    shop = tracked.shop
    shop.shipped_order("42", "A", "B", "C")
    shop.delivery.run()
    states = []
    for parcel in ("B", "A", "C"):
        tracked.scan("delivered", tracking=parcel)
        states.append((shop.flow.get("order", "42").state, shop.flow.get("order", "42").data["arrived"]))
    assert states == [("shipped", ["B"]), ("shipped", ["B", "A"]), ("delivered", ["B", "A", "C"])]
    last = shop.flow.history("order", "42")[-1]
    assert (last.trigger, last.by, last.cause) == (
        "parcel_delivered",
        "hook:fire:order.parcel_delivered",
        "shipment#C#2#fire:order.parcel_delivered",
    )
    assert [line for line in shop.lines() if line[1] == "delivered"] == [("42#000006", "delivered")]


def test_a_parcel_whose_order_went_another_way_is_noted_and_holds_up_nothing(tracked: Tracked) -> None:
    shop = tracked.shop
    shop.shipped_order("42", "A")
    shop.delivery.run()
    shop.flow.fire("order", "42", "return", {"reason": "refused at the door"})
    tracked.scan("delivered", tracking="A")
    (entry,) = shop.flow.effects("shipment", "A")
    assert [(name, outcome.status) for name, outcome in entry.outcomes.items()] == [
        ("fire:order.parcel_delivered", "done"),
        ("tell_customer", "done"),
    ]
    assert entry.outcomes["fire:order.parcel_delivered"].note.startswith(
        "refused: order 42: no transition 'parcel_delivered' from 'returned' (version 4)"
    )
    assert shop.flow.get("order", "42").state == "returned"


def test_a_parcel_without_an_order_is_nobodys_business(tracked: Tracked) -> None:
    tracked.scan("delivered")
    (entry,) = tracked.shop.flow.effects("shipment", "TRACK-1")
    assert entry.outcomes["fire:order.parcel_delivered"].note == "nothing to fire: data.order gives no id"
