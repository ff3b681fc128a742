"""How an event lies in the table, and the request that asked for it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from workflow.aws.attributes import Item, read_map, read_value, write_map, write_value
from workflow.aws.damage import reader
from workflow.aws.items import (
    edge,
    key,
    read_count,
    read_text,
    sort_key,
    split_edge,
    split_partition,
    write_counts,
    write_standing,
    write_texts,
)
from workflow.aws.place_items import find_place
from workflow.aws.times import read_time, write_time
from workflow.engine.events import Event
from workflow.runtime.ports import Request


def write_event(event: Event) -> dict[str, Any]:
    """The item of an event. A payload field that became a change as it came is kept once, in the changes."""
    changes = write_map(event.changes)["M"]
    payload = write_map(event.payload)["M"]
    # Compared as they are written: in Python, True equals 1.
    sent = [name for name, value in payload.items() if changes.get(name) == value]
    for name in sent:
        del payload[name]
    item: dict[str, Any] = {
        **key(event.kind, event.entity_id, sort_key("event", event.version)),
        "event": {"S": event.id},
        "edge": {"S": edge(event.kind, event.definition, event.trigger, event.source, event.target)},
        "at": write_time(event.at),
    }
    for name, values in (("payload", payload), ("changes", changes)):
        if values:
            item[name] = {"M": values}
    if sent:
        item["sent"] = write_value(sent)
    texts = write_texts(by=event.by, request=event.request_id, cause=event.cause, trace=event.trace, home=event.home)
    return item | write_counts(event) | write_standing(event.place) | texts


@reader
def read_event(item: Item) -> Event:
    """The event of an item; raises HistoryConflictError if somebody made it into something else."""
    kind, entity_id = split_partition(item["pk"]["S"])
    _, definition, trigger, source, target = split_edge(item["edge"]["S"])
    changes = read_map(item["changes"]["M"]) if "changes" in item else {}
    payload = read_map(item["payload"]["M"]) if "payload" in item else {}
    if "sent" in item:
        payload.update({name: changes[name] for name in read_value(item["sent"])})
    return Event(
        kind=kind,
        entity_id=entity_id,
        version=int(item["sk"]["S"].rpartition("#")[2]),
        id=item["event"]["S"],
        trigger=trigger,
        source=source,
        target=target,
        at=read_time(item, "at"),
        definition=definition,
        payload=payload,
        changes=changes,
        by=read_text(item, "by"),
        request_id=read_text(item, "request"),
        cause=read_text(item, "cause"),
        depth=read_count(item, "depth"),
        owing=read_count(item, "owing"),
        place=find_place(item),
        trace=read_text(item, "trace"),
        home=read_text(item, "home"),
    )


def write_request(event: Event, request: Request, expires_at: datetime) -> dict[str, Any]:
    """The item of a used request id; DynamoDB removes it some time after `expires_at`."""
    return {
        **key(event.kind, event.entity_id, f"request#{request.id}"),
        "version": {"N": str(request.version)},
        "event": {"S": request.event_id},
        "fingerprint": {"S": request.fingerprint},
        "expires_at": {"N": str(int(expires_at.timestamp()))},
    }


@reader
def read_request(item: Item) -> Request:
    """The request of an item."""
    return Request(
        id=item["sk"]["S"].partition("#")[2],
        version=int(item["version"]["N"]),
        event_id=item["event"]["S"],
        fingerprint=item["fingerprint"]["S"],
    )
