"""What a payment owes to the world: the customer's history of it, and mails when money goes back or is disputed."""

from __future__ import annotations

import os
from typing import Any

from botocore.exceptions import ClientError

from handlers.clients import client
from handlers.mail import get_sender, send_mail
from workflow import Effect, hook, projection

_NEWER_OR_SAME = "attribute_not_exists(version) OR version <= :version"
_REPORTED = ("refunded", "disputed", "captured", "authorised")


@projection
def payment_history(effect: Effect) -> None:
    """Keeps what the customer sees: a line for each step, where it belongs in time, and one of how the payment stands.

    A step has a line of its own, so writing it again changes nothing; how the payment stands is never replaced by how
    it stood before. So the projection may run late, twice, or for all of history beside live traffic.
    """
    _put(_step(effect))
    _put(_standing(effect), ConditionExpression=_NEWER_OR_SAME)


@hook
def tell_refund(effect: Effect) -> None:
    """Tells the customer how much comes back, and how much has in all; nothing if it was told before."""
    assert effect.before is not None, "no payment is created refunded"
    data, before = effect.entity.data, effect.before.data
    amount = data["refunded"] - before["refunded"]
    if amount:
        in_all = _money(data["refunded"], data["currency"])
        text = f"We have sent {_money(amount, data['currency'])} back to your card, {in_all} in all."
        send_mail(data["email"], f"Your order {data['order']} is refunded", text, key=effect.key)


@hook
def tell_dispute(effect: Effect) -> None:
    """Tells the shop that a customer's bank wants money back, and how that ended; nothing if it was told before."""
    assert effect.before is not None, "no payment is created disputed"
    data, told = effect.entity.data, effect.event.payload
    if (effect.entity.state, data) == (effect.before.state, effect.before.data):
        return
    which = f"Dispute {data['dispute']} of order {data['order']}"
    if effect.event.trigger == "dispute":
        how, about = "opened", _money(told["disputed"], data["currency"])
        text = f"{which}, about {about}, has until the date that Stripe names to be answered."
    else:
        how, text = told["outcome"], f"{which} is over: {told['outcome']}."
    send_mail(get_sender(), f"Payment {effect.id}: dispute {how}", text, key=effect.key)


def _step(effect: Effect) -> dict[str, Any]:
    event = effect.event
    # Stripe's clock, and not ours: reports overtake each other. What the shop expects comes before all of them.
    at, told = (event.payload["at"], _REPORTED) if event.source else (0, ("amount",))
    amount = next((event.payload[name] for name in told if name in event.payload), None)
    return {
        **_of(effect, f"#{at:012d}#{effect.version:06d}"),
        "step": {"S": event.trigger},
        "at": {"N": str(at)},
        **({} if amount is None else {"amount": {"N": str(amount)}}),
    }


def _standing(effect: Effect) -> dict[str, Any]:
    data = effect.entity.data
    sums = {name: {"N": str(data[name])} for name in ("amount", "authorised", "captured", "refunded")}
    return {**_of(effect, ""), **sums}


def _of(effect: Effect, behind: str) -> dict[str, Any]:
    data = effect.entity.data
    return {
        "email": {"S": data["email"]},
        "line": {"S": f"{data['order']}#{effect.id}{behind}"},
        "payment": {"S": effect.id},
        "state": {"S": effect.entity.state},
        "version": {"N": str(effect.version)},
        "currency": {"S": data["currency"]},
    }


def _put(item: dict[str, Any], **condition: str) -> None:
    table = os.environ.get("PAYMENT_HISTORY_TABLE")
    if not table:
        raise LookupError("PAYMENT_HISTORY_TABLE is not set; give the name of the table for payment histories")
    values = {"ExpressionAttributeValues": {":version": item["version"]}} if condition else {}
    try:
        client("dynamodb").put_item(TableName=table, Item=item, **condition, **values)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
            raise


def _money(cents: int, currency: str) -> str:
    return f"{cents // 100}.{cents % 100:02d} {currency.upper()}"
