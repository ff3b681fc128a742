"""What a caller asks for, checked before anything is read or written."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from workflow.definition.values import UnfitValueError, canonical
from workflow.engine.entity import Entity
from workflow.errors import PayloadError
from workflow.runtime.ledger_entry import Settlement

BY_TIMER = "timer"
"""Who asks where a timer is due."""

_MAX_ID_BYTES = 900
"""A partition key holds 2048 bytes and a sort key 1024, of which we use a few ourselves.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html"""


@dataclass(frozen=True, slots=True)
class Ask:
    """What a caller asks for: a trigger (or CREATE) on one entity, and who asks.

    `held` is the entity if the caller has it at hand, which saves the read; `cause` and `depth` tell from which
    effect the request comes. With a `cause`, a request id of the framework's own making (`own_request_id`) stands for
    whatever the hook gave the first time: what it computes anew when it is repeated changes nothing. `only_version`
    refuses once the entity has left that version; `settles` is the outcome to be committed with the transition. `slot`
    is the one to take in the lane that asks, 0 if no lane does. `trace` is what a tracer goes on from where nothing is
    under way.
    """

    kind: str
    entity_id: str
    trigger: str
    payload: Mapping[str, object] = field(default_factory=dict, repr=False)
    request_id: str = ""
    by: str = ""
    held: Entity | None = None
    cause: str = ""
    depth: int = 0
    own_request_id: bool = False
    only_version: int = 0
    settles: Settlement | None = None
    slot: int = 0
    trace: str = ""

    def __str__(self) -> str:
        return f"{self.kind} {self.entity_id}: {self.trigger!r}"


def check_id(kind: str, entity_id: object) -> None:
    """Raises PayloadError unless it is an id that an entity can have."""
    if entity_id == "":
        raise PayloadError(f"{kind}: the id must have at least one character")
    _check_text(kind, "the id", entity_id)


def request_id_for(key: str) -> str:
    """The key itself, or what stands for it where it is too long for a request id."""
    if len(key.encode()) <= _MAX_ID_BYTES:
        return key
    return f"sha256:{hashlib.sha256(key.encode()).hexdigest()}"


def check_texts(ask: Ask) -> None:
    """Raises PayloadError for an id, trigger, request id or asker that is no text, or too long to be stored."""
    check_id(ask.kind, ask.entity_id)
    for name, value in (("trigger", ask.trigger), ("request id", ask.request_id), ("asker ('by')", ask.by)):
        _check_text(ask.kind, f"the {name}", value)


def _check_text(kind: str, name: str, value: object) -> None:
    if not isinstance(value, str):
        raise PayloadError(f"{kind}: {name} must be text, not {value!r}")
    try:
        size = len(canonical(value, name).encode())
    except UnfitValueError as error:
        raise PayloadError(f"{kind}: {error}") from None
    if size > _MAX_ID_BYTES:
        raise PayloadError(f"{kind}: {name} has {size} bytes; at most {_MAX_ID_BYTES} fit")


def with_times_as_text(ask: Ask) -> Ask:
    """The same with times as the ISO text that is stored of them."""
    payload = ask.payload
    if not isinstance(payload, Mapping) or not any(isinstance(value, datetime) for value in payload.values()):
        return ask
    as_text = {name: _as_text(value) if isinstance(value, datetime) else value for name, value in payload.items()}
    return replace(ask, payload=as_text)


def _as_text(moment: datetime) -> str:
    # One text for one moment, so that it makes the same fingerprint. Without a zone, or outside of the calendar, it is
    # left for the field to refuse.
    try:
        return moment.isoformat() if moment.tzinfo is None else moment.astimezone(UTC).isoformat()
    except OverflowError:
        return moment.isoformat()


def fingerprint(ask: Ask) -> str:
    """What makes two requests the same: the trigger and the payload as given, in canonical form; '' if it has none."""
    try:
        payload = None if ask.own_request_id else canonical(ask.payload, "payload")
    except UnfitValueError:
        return ""
    text = json.dumps([ask.trigger, payload], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:32]
