"""Messages as they are sent: their text, its size, and which go together in one call. Pure."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from workflow.runtime.publish.port import AT_ONCE, Message

_FITS_AS_ID = re.compile(r"[!-~]{1,128}")


class Parcel(NamedTuple):
    """A message, and the text that is sent of it."""

    message: Message
    body: str


def body_of(envelope: Mapping[str, Any]) -> str:
    """The envelope as text: in ASCII, so a character is a byte, and each is one that every service takes."""
    return json.dumps(envelope, separators=(",", ":"), allow_nan=False)


def together(parcels: Sequence[tuple[Parcel, int]], most_bytes: int) -> Iterator[list[Parcel]]:
    """The parcels, each given with its size, in order and as few calls as their sizes allow."""
    call: list[Parcel] = []
    total = 0
    for parcel, size in parcels:
        if call and (len(call) == AT_ONCE or total + size > most_bytes):
            yield call
            call, total = [], 0
        call.append(parcel)
        total += size
    if call:
        yield call


def fifo_ids(message: Message) -> dict[str, str]:
    """Group and deduplication id of a message to a FIFO queue or topic: the entity, and the effect's key.

    What does not fit, up to 128 letters, digits and punctuation, is told by its SHA-256.
    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
    """
    return {"MessageGroupId": _fitted(message.group), "MessageDeduplicationId": _fitted(message.key)}


def _fitted(text: str) -> str:
    return text if _FITS_AS_ID.fullmatch(text) else hashlib.sha256(text.encode()).hexdigest()
