"""A trip of three bookings: when one cannot be had, those before it are taken back, the last first, each once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from demo.trip.company import PARTS, Company, open_company
from tests.acceptance.conftest import Deployed, eventually

BOUGHT = [("buys", part) for part in PARTS]
BACK = [("gives back", part) for part in reversed(PARTS)]


@pytest.fixture(scope="module")
def company(deployed: Deployed) -> Iterator[Company]:
    """A company that the functions buy from."""
    with open_company() as company:
        deployed.verify_sender()
        deployed.cloud.redeploy({"TravelUrl": company.url})
        yield company
        deployed.cloud.redeploy({"TravelUrl": ""})


def ask_for(deployed: Deployed, trip: str) -> None:
    deployed.flow.create("trip", trip, {"email": f"{trip}@example.com", "currency": "EUR", "price": "1290.00"})
    deployed.settle()


def swept_until(deployed: Deployed, trip: str, state: str) -> None:
    def has_come_there() -> bool:
        deployed.sweep()
        is_there = deployed.flow.get("trip", trip).state == state
        return is_there and all(entry.settled for entry in deployed.flow.effects("trip", trip))

    eventually(has_come_there)
    deployed.settle()


def test_a_trip_is_booked(deployed: Deployed, company: Company) -> None:
    ask_for(deployed, "good")
    assert deployed.flow.get("trip", "good").state == "confirmed"
    assert company.changed("good") == BOUGHT
    assert deployed.subjects_to("good@example.com") == ["Your trip is booked"]


def test_there_is_no_car_and_the_customer_hears_when_all_the_rest_is_taken_back(
    deployed: Deployed, company: Company
) -> None:
    company.sold_out.add("cars")
    ask_for(deployed, "nocar")
    company.sold_out.clear()
    assert deployed.flow.get("trip", "nocar").state == "failed"
    assert company.changed("nocar") == [*BOUGHT[:3], *BACK[1:]]
    assert list(deployed.effects("trip", "nocar").items())[3:] == [
        ("4 book_car", ("caught", 1)),
        ("5 cancel_booking@3.book_hotel", ("done", 1)),
        ("5 cancel_booking@2.book_flight", ("done", 1)),
        ("5 refund_card@1.charge_card", ("done", 1)),
        ("5 send_apology", ("done", 1)),
    ]
    assert deployed.subjects_to("nocar@example.com") == ["Your trip could not be booked"]


def test_a_confirmed_trip_is_cancelled_while_the_hotel_is_out_of_order(deployed: Deployed, company: Company) -> None:
    ask_for(deployed, "down")
    company.down.add("hotels")
    deployed.flow.fire("trip", "down", "cancel")
    deployed.settle()
    assert company.changed("down") == [*BOUGHT, *BACK[:1]]
    assert deployed.why("trip", "down").startswith("'cancel_booking@3.book_hotel' of version 6 failed")
    assert deployed.subjects_to("down@example.com") == ["Your trip is booked"]
    company.down.clear()
    deployed.flow.operations.redrive("trip", "down")
    swept_until(deployed, "down", "cancelled")
    assert company.changed("down") == [*BOUGHT, *BACK]
    assert deployed.subjects_to("down@example.com") == ["Your trip is booked", "Your trip is cancelled"]


def test_cancelled_while_the_flight_is_being_booked_the_flight_is_taken_back_as_well(
    deployed: Deployed, company: Company
) -> None:
    company.down.add("flights")
    ask_for(deployed, "early")
    deployed.flow.fire("trip", "early", "cancel")
    deployed.settle()
    assert company.changed("early") == BOUGHT[:1]
    company.down.clear()
    deployed.flow.operations.redrive("trip", "early")
    swept_until(deployed, "early", "cancelled")
    assert company.changed("early") == [*BOUGHT[:2], *BACK[2:]]
    assert deployed.subjects_to("early@example.com") == ["Your trip is cancelled"]


def test_an_answer_that_was_lost_buys_nothing_twice_and_gives_nothing_back_twice(
    deployed: Deployed, company: Company
) -> None:
    company.cuts = 1
    ask_for(deployed, "lost")
    swept_until(deployed, "lost", "confirmed")
    company.cuts = 1
    deployed.flow.fire("trip", "lost", "cancel")
    swept_until(deployed, "lost", "cancelled")
    assert company.changed("lost") == [*BOUGHT, *BACK]


def test_every_promise_holds(deployed: Deployed, company: Company) -> None:
    found = deployed.flow.operations.verify().findings
    assert [str(one) for one in found if one.kind == "trip"] == []
