"""What an order owes to the world: mails to its customer, lines in the order history."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from handlers.mail import send_mail
from handlers.order_history import put_line
from workflow import Effect, guard, hook, projection

MOST_PARCELS = 50


@guard
def are_parcels(context: dict[str, Any]) -> bool:
    """Whether the order's parcels are tracking codes, each of them once."""
    parcels = context["payload"]["parcels"]
    fit = all(isinstance(parcel, str) and parcel for parcel in parcels)
    return fit and 0 < len(parcels) == len(set(parcels)) <= MOST_PARCELS


@projection
def record_line(effect: Effect) -> None:
    """Adds the step to the customer's order history."""
    put_line(effect.entity)


@hook
def send_receipt(effect: Effect) -> None:
    """Confirms the payment, with what was bought."""
    data = effect.entity.data
    lines = [f"  {line['quantity']} x {line['sku']}" for line in data["lines"]]
    paid = _money(data["paid"], data["currency"])
    _write(effect, "is paid", f"Thank you! We have received {paid} for:\n" + "\n".join(lines))


@hook
def send_shipping_notice(effect: Effect) -> None:
    """Tells the customer how to follow the parcels."""
    data = effect.entity.data
    codes = "\n".join(f"  {code}" for code in data["parcels"])
    _write(effect, "is on its way", f"{data['carrier']} has it. What you can follow it by:\n{codes}")


@hook
def send_refund_notice(effect: Effect) -> None:
    """Tells the customer how much comes back, and how much has in all."""
    assert effect.before is not None, "no order is created refunded"
    after, before = effect.entity.data, effect.before.data
    amount = _money(after["refunded"] - before["refunded"], after["currency"])
    in_all = _money(after["refunded"], after["currency"])
    _write(effect, "is refunded", f"We have sent {amount} back to you, {in_all} in all.")


def _write(effect: Effect, what: str, text: str) -> None:
    data = effect.entity.data
    send_mail(data["email"], f"Your order {effect.id} {what}", f"Hello {data['name']},\n\n{text}", key=effect.key)


def _money(amount: int | Decimal, currency: str) -> str:
    return f"{amount:.2f} {currency}"
