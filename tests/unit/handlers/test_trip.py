"""A trip is booked part by part, and what was done of it is taken back, the last first."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from decimal import Decimal

import pytest

import handlers.travel
from demo.trip.company import Company, open_company
from handlers.travel import TravelDeniedError, TravelDownError, TravelRefusedError, buy, give_back
from tests.unit.handlers.conftest import Shop

KEY = "trip#ü/1#1#charge_card"


@pytest.fixture
def company(monkeypatch: pytest.MonkeyPatch) -> Iterator[Company]:
    with open_company() as company:
        monkeypatch.setenv("TRAVEL_URL", company.url)
        handlers.travel._http.clear()
        yield company
        for pool in handlers.travel._http:
            pool.clear()


@pytest.fixture
def trip(shop: Shop, company: Company) -> Shop:
    shop.flow.create("trip", "7", {"email": "ada@example.com", "currency": "EUR", "price": "1290.00"})
    return shop


BOOKED = [("buys", "payments"), ("buys", "flights"), ("buys", "hotels"), ("buys", "cars")]


def subjects(shop: Shop) -> list[str]:
    return [mail["Content"]["Simple"]["Subject"]["Data"] for mail in shop.mail_service.sent]


def effects(shop: Shop, version: int) -> list[tuple[str, str]]:
    entry = next(entry for entry in shop.flow.effects("trip", "7") if entry.version == version)
    return [(name, outcome.status) for name, outcome in entry.outcomes.items()]


def test_a_trip_is_paid_for_and_booked_part_by_part(trip: Shop, company: Company) -> None:
    trip.delivery.run()
    entity = trip.flow.get("trip", "7")
    assert (entity.state, company.changed("7")) == ("confirmed", BOOKED)
    found = {name: entity.data[name] for name in ("payment", "flight", "hotel", "car")}
    assert found == {"payment": "P00001", "flight": "F00002", "hotel": "H00003", "car": "C00004"}
    assert subjects(trip) == ["Your trip is booked"]


def test_the_card_is_charged_in_the_currency_of_the_price(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, str, object]] = []

    def call(method: str, path: str, body: object = None, headers: object = None) -> object:
        asked.append((method, path, body))
        return {"number": "P00001"}

    monkeypatch.setattr(handlers.travel, "_call", call)
    shop.flow.create("trip", "usd", {"email": "ada@example.com", "currency": "USD", "price": "1290.00"})
    shop.delivery.run()
    assert asked[0] == ("POST", "/payments", {"amount": Decimal("1290.00"), "currency": "USD"})


def test_no_car_and_everything_is_taken_back_the_last_first_before_the_customer_hears(
    trip: Shop, company: Company
) -> None:
    company.sold_out.add("cars")
    trip.delivery.run()
    entity = trip.flow.get("trip", "7")
    assert (entity.state, entity.data["error"]) == ("failed", "TravelDeniedError: POST /cars: 409 no cars left")
    assert company.changed("7") == [
        *BOOKED[:3],
        ("gives back", "hotels"),
        ("gives back", "flights"),
        ("gives back", "payments"),
    ]
    assert effects(trip, 5) == [
        ("cancel_booking@3.book_hotel", "done"),
        ("cancel_booking@2.book_flight", "done"),
        ("refund_card@1.charge_card", "done"),
        ("send_apology", "done"),
    ]
    assert subjects(trip) == ["Your trip could not be booked"]


def test_a_card_that_is_declined_ends_the_trip_and_there_is_nothing_to_take_back(trip: Shop, company: Company) -> None:
    company.sold_out.add("payments")
    trip.delivery.run()
    assert (trip.flow.get("trip", "7").state, company.changed("7")) == ("failed", [])
    assert effects(trip, 2) == [("send_apology", "done")]


def test_a_confirmed_trip_can_be_cancelled(trip: Shop, company: Company) -> None:
    trip.delivery.run()
    trip.flow.fire("trip", "7", "cancel")
    trip.delivery.run()
    back = [("gives back", part) for _, part in reversed(BOOKED)]
    assert company.changed("7") == [*BOOKED, *back]
    assert subjects(trip) == ["Your trip is booked", "Your trip is cancelled"]


def test_cancelled_while_the_hotel_is_down_the_hotel_is_booked_first_and_then_taken_back(
    trip: Shop, company: Company
) -> None:
    company.down.add("hotels")
    trip.delivery.run()
    trip.flow.fire("trip", "7", "cancel")
    trip.delivery.run()
    assert company.changed("7") == BOOKED[:2]
    company.down.clear()
    trip.clock.advance(600)
    trip.delivery.sweep()
    assert company.changed("7")[2:4] == [("buys", "hotels"), ("gives back", "hotels")]
    assert trip.flow.get("trip", "7").data.get("hotel") is None
    assert subjects(trip) == ["Your trip is cancelled"]


def test_a_lost_answer_is_asked_for_again_under_the_same_key_and_nothing_is_bought_twice(
    trip: Shop, company: Company
) -> None:
    company.cuts = 1
    trip.delivery.run()
    trip.clock.advance(600)
    trip.delivery.sweep()
    assert (company.changed("7"), company.calls) == (BOOKED, len(BOOKED) + 1)


def test_the_same_key_is_one_booking_and_one_cancellation(company: Company) -> None:
    assert buy("cars", {}, key=KEY) == buy("cars", {}, key=KEY)
    give_back("cars", KEY)
    give_back("cars", KEY)
    assert [(one.what, one.key) for one in company.done] == [("buys", KEY), ("gives back", KEY)]


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (402, TravelDeniedError),
        (409, TravelDeniedError),
        (410, TravelDeniedError),
        (302, TravelRefusedError),
        (400, TravelRefusedError),
        (401, TravelRefusedError),
        (404, TravelRefusedError),
        (408, TravelDownError),
        (429, TravelDownError),
        (500, TravelDownError),
        (503, TravelDownError),
    ],
)
def test_what_an_answer_means(
    company: Company, monkeypatch: pytest.MonkeyPatch, status: int, error: type[Exception]
) -> None:
    monkeypatch.setattr(company, "answer", lambda *call: (status, {"reason": "because"}))
    with pytest.raises(error, match=f"POST /cars: {status} because"):
        buy("cars", {}, key=KEY)


@pytest.mark.parametrize("content", [{}, {"number": 7}, {"number": ""}, ["F1"]])
def test_a_yes_without_a_number_waits_for_a_person(
    company: Company, monkeypatch: pytest.MonkeyPatch, content: object
) -> None:
    monkeypatch.setattr(company, "answer", lambda *call: (200, content))
    with pytest.raises(TravelRefusedError, match="it says yes, and no number"):
        buy("cars", {}, key=KEY)


@pytest.mark.parametrize("reason", [None, ["x"], "x" * 10_000])
def test_a_strange_refusal_is_told_in_few_words(
    company: Company, monkeypatch: pytest.MonkeyPatch, reason: object
) -> None:
    monkeypatch.setattr(company, "answer", lambda *call: (409, {"reason": reason}))
    with pytest.raises(TravelDeniedError) as caught:
        buy("cars", {}, key=KEY)
    assert len(str(caught.value)) < 250


def test_nobody_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRAVEL_URL", "http://127.0.0.1:9")
    with pytest.raises(TravelDownError, match="POST /cars: NewConnectionError"):
        buy("cars", {}, key=KEY)


def test_without_an_address_it_says_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TRAVEL_URL", raising=False)
    with pytest.raises(LookupError, match="TRAVEL_URL is not set; give the address"):
        buy("cars", {}, key=KEY)


def test_taking_back_what_the_company_does_not_know_waits_for_a_person(trip: Shop, company: Company) -> None:
    trip.delivery.run()
    company.done.clear()
    trip.flow.fire("trip", "7", "cancel")
    logging.getLogger("workflow").disabled = True
    trip.delivery.run()
    logging.getLogger("workflow").disabled = False
    [entry] = trip.flow.operations.parked(hook="cancel_booking")
    assert entry.parked is not None
    assert (entry.parked.hook, entry.parked.why) == ("cancel_booking@4.book_car", "refused")
