"""The read model of a customer's orders: one line for each step that the customer should see."""

from __future__ import annotations

import os
from typing import Any

from handlers.clients import client
from workflow import Entity


def put_line(order: Entity) -> None:
    """Writes the line of the order's present version; writing it again changes nothing."""
    table = os.environ.get("ORDER_HISTORY_TABLE")
    if not table:
        raise LookupError("ORDER_HISTORY_TABLE is not set; give the name of the table for order histories")
    client("dynamodb").put_item(TableName=table, Item=_line(order))


def _line(order: Entity) -> dict[str, Any]:
    return {
        "email": {"S": order.data["email"]},
        "line": {"S": f"{order.id}#{order.version:06d}"},
        "order": {"S": order.id},
        "state": {"S": order.state},
        "total": {"N": str(order.data["total"])},
        "refunded": {"N": str(order.data["refunded"])},
        "currency": {"S": order.data["currency"]},
        "at": {"S": order.changed_at.isoformat()},
    }
