"""What a shipment owes to the world: word to its customer at each milestone, and to the shop if something is wrong."""

from __future__ import annotations

from handlers.mail import get_sender, send_mail
from workflow import Effect, hook

_NEWS = {
    "out_for_delivery": "is out for delivery",
    "exception": "needs a little longer",
    "going_back": "is on its way back to us",
    "delivered": "has arrived",
}


@hook
def tell_customer(effect: Effect) -> None:
    """Tells the customer of a milestone, the first time that the parcel comes to it."""
    parcel = effect.entity
    if not is_milestone(effect) or "email" not in parcel.data:
        return
    news = _NEWS[parcel.state]
    text = f"Hello {parcel.data.get('name', '')},\n\n{parcel.data['carrier']} says: {_said(effect)}"
    send_mail(parcel.data["email"], f"Your parcel {parcel.id} {news}", text, key=effect.key)


@hook
def alert_shop(effect: Effect) -> None:
    """Tells the shop, the first time, that a parcel needs somebody to look after it."""
    parcel = effect.entity
    if not is_milestone(effect):
        return
    send_mail(
        get_sender(),
        f"Parcel {parcel.id}: {parcel.data['status'].replace('_', ' ')}",
        f"{parcel.data['carrier']} says: {_said(effect)}\nOrder: {parcel.data.get('order', 'none')}",
        key=effect.key,
    )


def is_milestone(effect: Effect) -> bool:
    """Whether the event is the one that noted the milestone: of many that lead to it, there is one."""
    before = effect.before
    return before is not None and before.data["told"] != effect.entity.data["told"]


def _said(effect: Effect) -> str:
    return str(effect.entity.data.get("message", effect.entity.data["status"]))
