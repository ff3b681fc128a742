"""What this project sees of a carrier: signed reports of its scans, as EasyPost posts them."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
import uuid
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import urllib3

from demo.story import Story

SECRET = "ssm:/workflow/easypost-webhook"
"""Where the secret is that it signs with."""

_TIMEOUT_SECONDS = 30


class Scan(NamedTuple):
    """What the carrier's scanner said of a parcel: one of its words, and when by its own clock."""

    status: str
    at: str
    message: str


class Reply(NamedTuple):
    """What the webhook answered."""

    status: int
    content: Mapping[str, Any]


def report(tracking: str, scans: Sequence[Scan], *, carrier: str = "USPS", signed_by: str = "") -> dict[str, Any]:
    """The event of the last of the scans: a new id, and in it the whole tracker.

    https://docs.easypost.com/docs/events https://docs.easypost.com/docs/trackers
    """
    details = [
        {"object": "TrackingDetail", "status": scan.status, "datetime": scan.at, "message": scan.message}
        for scan in scans
    ]
    tracker = {
        "object": "Tracker",
        "tracking_code": tracking,
        "status": scans[-1].status if scans else "unknown",
        "signed_by": signed_by or None,
        "est_delivery_date": None,
        "carrier": carrier,
        "updated_at": scans[-1].at if scans else "2026-11-01T00:00:00Z",
        "tracking_details": details,
    }
    return {"id": f"evt_{uuid.uuid4().hex}", "object": "Event", "description": "tracker.updated", "result": tracker}


def signed(body: bytes, secret: bytes) -> dict[str, str]:
    """The headers with which EasyPost posts the body. https://docs.easypost.com/docs/webhooks#hmac-validation"""
    signature = hmac.new(secret, body, hashlib.sha256).hexdigest()
    return {"Content-Type": "application/json", "X-Hmac-Signature": f"hmac-sha256-hex={signature}"}


def deliver(url: str, secret: bytes, content: object) -> Reply:
    """Posts the report, and does not repeat it by itself."""
    body = json.dumps(content).encode()
    answer = urllib3.request(
        "POST", url, body=body, headers=signed(body, secret), retries=False, timeout=_TIMEOUT_SECONDS
    )
    return Reply(answer.status, json.loads(answer.data) if answer.data else {})


class Carrier:
    """Posts reports to a story's cloud, tells what was answered, and keeps count of it."""

    def __init__(self, story: Story) -> None:
        self._story = story
        self._answered: dict[str, Reply] = {}
        self._lock = threading.Lock()
        self.posted = 0

    def post(self, content: Mapping[str, Any], expected: str = "accepted") -> None:
        """Posts one report, for the first time or again, and notes whether its answer was to be expected."""
        cloud, tracker = self._story.cloud, content["result"]
        reply = deliver(f"{cloud.webhook_url}/easypost", cloud.get_secret(SECRET), content)
        with self._lock:
            self._tell(tracker, reply, self._answered.setdefault(content["id"], reply), expected)

    def _tell(self, tracker: Mapping[str, Any], reply: Reply, earlier: Reply, expected: str) -> None:
        answer = "refused" if reply.status != 200 else "accepted" if reply is earlier else "repeated"
        said = reply.content.get("error") or f"version {reply.content['version']}, {reply.content['state']}"
        same = {True: ", the same answer", False: ", ANOTHER ANSWER"}[reply == earlier] if answer == "repeated" else ""
        details = tracker["tracking_details"]
        at = f" of {details[-1]['datetime'][5:16].replace('T', ' ')}" if details else ""
        print(f"   {tracker['tracking_code']}: {tracker['status']}{at}  ->  {reply.status}, {said}{same}")
        self.posted += 1
        self._story.answers[answer] += 1
        self._story.surprises += answer != expected or reply != earlier
