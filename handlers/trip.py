"""What a trip owes to the world: a payment, three bookings, what takes them back, and one mail at the end."""

from __future__ import annotations

from handlers.mail import send_mail
from handlers.travel import buy, give_back
from workflow import Effect, hook

_PARTS = {
    "charge_card": "payments",
    "book_flight": "flights",
    "book_hotel": "hotels",
    "book_car": "cars",
}
"""What each hook buys."""


@hook
def charge_card(effect: Effect) -> dict[str, str]:
    """Takes the price of the whole trip."""
    data = effect.entity.data
    return {"payment": _bought(effect, amount=data["price"], currency=data["currency"])}


@hook
def book_flight(effect: Effect) -> dict[str, str]:
    """Books the flight, and returns its number for `flight_booked`."""
    return {"flight": _bought(effect, trip=effect.id)}


@hook
def book_hotel(effect: Effect) -> dict[str, str]:
    """Books the hotel."""
    return {"hotel": _bought(effect, trip=effect.id)}


@hook
def book_car(effect: Effect) -> dict[str, str]:
    """Books the car."""
    return {"car": _bought(effect, trip=effect.id)}


@hook
def refund_card(effect: Effect) -> None:
    """Gives back the money that `charge_card` took."""
    _take_back(effect)


@hook
def cancel_booking(effect: Effect) -> None:
    """Cancels the flight, the hotel or the car: what was booked under the key of the effect that this one undoes."""
    _take_back(effect)


def _bought(effect: Effect, **wanted: object) -> str:
    return buy(_PARTS[effect.hook], wanted, key=effect.key)


def _take_back(effect: Effect) -> None:
    _, _, hook = effect.undoes.rpartition("#")
    give_back(_PARTS[hook], effect.undoes)


@hook
def send_itinerary(effect: Effect) -> None:
    """Says that everything is booked."""
    booked = {name: effect.entity.data[name] for name in ("flight", "hotel", "car")}
    _write(effect, "Your trip is booked", "\n".join(f"{name}: {number}" for name, number in booked.items()))


@hook
def send_apology(effect: Effect) -> None:
    """Says that there is no trip; by now whatever was booked is cancelled, and the money is back."""
    _write(effect, "Your trip could not be booked", "What was booked is cancelled, and you have your money back.")


@hook
def send_cancellation(effect: Effect) -> None:
    """Says that the trip is cancelled; by now all of it is."""
    _write(effect, "Your trip is cancelled", "Everything is cancelled, and you have your money back.")


def _write(effect: Effect, subject: str, text: str) -> None:
    send_mail(effect.entity.data["email"], subject, text, key=effect.key)
