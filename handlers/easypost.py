"""From EasyPost's webhooks to the shipment's triggers; what a shop's webhook endpoint calls.

https://docs.easypost.com/docs/trackers
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workflow import Accepted, Workflow

_FROM_SCAN = ("datetime", "message", "status_detail", "tracking_location")
_FROM_TRACKER = ("est_delivery_date", "signed_by")


def receive(flow: Workflow, webhook: Mapping[str, Any]) -> Accepted:
    """Fires the trigger that a `tracker.updated` webhook reports; the webhook sent again gives the same answer.

    Raises what `Workflow.fire` does: answer 200 to a Refused, which no repetition would change, and 500 to a Retryable.
    """
    tracker = webhook["result"]
    scan = tracker["tracking_details"][-1] if tracker.get("tracking_details") else {}
    given = {name: scan.get(name) for name in _FROM_SCAN} | {name: tracker.get(name) for name in _FROM_TRACKER}
    return flow.fire(
        "shipment",
        tracker["tracking_code"],
        tracker["status"],
        {name: value for name, value in given.items() if value is not None},
        request_id=f"easypost:{webhook['id']}",
        by="easypost",
    )
