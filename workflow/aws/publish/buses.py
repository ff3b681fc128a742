"""Messages to EventBridge buses."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from botocore.exceptions import ClientError

from workflow.aws.publish.failures import failure, translated
from workflow.aws.publish.parcels import Parcel

MOST_BYTES = 1_000_000
"""For one call; "less than 1 MB", which may mean this or 48,576 bytes more.
https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html"""

SEEN_SECONDS = 60
"""How long a bus that was there is taken to be there."""

_TIME_BYTES = 14


class Buses:
    """Puts events on buses, each known by its name or ARN."""

    service, most_bytes = "eventbridge", MOST_BYTES

    def __init__(self, client: Any) -> None:
        self._client = client
        self._seen: dict[str, float] = {}

    def size(self, parcel: Parcel) -> int:
        """How much of the limit the parcel takes.
        https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevents.html#eb-putevent-size"""
        message = parcel.message
        return _TIME_BYTES + sum(len(text.encode()) for text in (_source(parcel), message.type, parcel.body))

    def send(self, subject: str, bus: str, parcels: Sequence[Parcel]) -> Mapping[str, Exception]:
        """Puts the parcels in one call, and returns by key why one was not taken; raises what keeps all from it."""
        entries = [
            {
                "Time": parcel.message.at,
                "Source": _source(parcel),
                "DetailType": parcel.message.type,
                "Detail": parcel.body,
                "EventBusName": bus,
            }
            for parcel in parcels
        ]
        with translated(subject):
            self._look(bus)
            answers = self._client.put_events(Entries=entries)["Entries"]
        return {
            parcel.message.key: failure(subject, answer["ErrorCode"], str(answer.get("ErrorMessage", "")))
            for parcel, answer in zip(parcels, answers, strict=True)
            if answer.get("ErrorCode")
        }

    def _look(self, bus: str) -> None:
        # EventBridge takes events for a bus that is not there, answers that all is well, and drops them:
        # https://github.com/aws/aws-cli/issues/9186
        now = time.monotonic()
        if now >= self._seen.get(bus, now):
            try:
                self._client.describe_event_bus(Name=bus)
            except ClientError as error:
                # Another account's bus may be open for events, and for nothing else; then the events say how it is.
                if "AccessDenied" not in error.response["Error"]["Code"]:
                    raise
            self._seen[bus] = now + SEEN_SECONDS


def _source(parcel: Parcel) -> str:
    return str(parcel.message.envelope["source"])
