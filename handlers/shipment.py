"""What a shipment owes to the world: its order's delivery, and word to the shop when something goes wrong."""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Any

from handlers.mail import get_sender, send_mail
from workflow import Effect, guard, hook
from workflow.errors import TransitionError

log = logging.getLogger(__name__)


@guard
def scanned_in_order(context: dict[str, Any]) -> bool:
    """Whether the scan is not older than the last one: webhooks overtake each other."""
    last = context["data"].get("datetime")
    return last is None or datetime.fromisoformat(context["payload"]["datetime"]) >= datetime.fromisoformat(last)


@hook(fires=("order.deliver",))
def deliver_order(effect: Effect) -> None:
    """Fires `deliver` on the order that the parcel belongs to."""
    order = effect.entity.data.get("order")
    if order is None:
        return
    try:
        effect.fire("deliver", kind="order", id=order)
    except TransitionError as error:
        # Somebody was faster, and took the order back for example: trying again would never end.
        log.warning("the parcel %s has arrived, its order goes another way: %s", effect.id, error)


@hook
def alert_shop(effect: Effect) -> None:
    """Tells the shop that a parcel needs somebody to look after it."""
    parcel = effect.entity
    said = parcel.data.get("message", "nothing")
    send_mail(
        get_sender(),
        f"Parcel {parcel.id}: {parcel.state.replace('_', ' ')}",
        f"{parcel.data['carrier']} says: {said}\nOrder: {parcel.data.get('order', 'none')}",
        key=effect.key,
    )
