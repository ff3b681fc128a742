"""How entities, events, requests, ledger entries and violations lie in the table: the only place that knows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from workflow.aws.attributes import Item, read_map, read_value, write_map, write_value
from workflow.engine.entity import Entity
from workflow.engine.events import Event
from workflow.runtime.ports import LedgerEntry, Listed, Outcome, Request, Violation

ENTITY = "entity"
INDEX = "by_state"
"""The index for listings: `listed` (kind#state), which only entities carry, then `pk`. Not sorted by time, because
every transition would then write at one hot end of the index."""

_VERSION_DIGITS = 12
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def partition(kind: str, entity_id: str) -> str:
    """The partition that holds all items of an entity."""
    return f"{kind}#{entity_id}"


def split_partition(pk: str) -> tuple[str, str]:
    """Kind and id; a kind never holds a `#`, an id may."""
    kind, _, entity_id = pk.partition("#")
    return kind, entity_id


def sort_key(prefix: str, version: int) -> str:
    """Where `event` or `effects` of a version lie, in version order."""
    return f"{prefix}#{version:0{_VERSION_DIGITS}d}"


def key(kind: str, entity_id: str, sk: str) -> dict[str, Any]:
    """The primary key of an item."""
    return {"pk": {"S": partition(kind, entity_id)}, "sk": {"S": sk}}


def listed(kind: str, state: str) -> str:
    """The partition of the index that lists one state of a kind."""
    return f"{kind}#{state}"


def edge(kind: str, definition: int, trigger: str, source: str, target: str) -> str:
    """One transition as one word, as entity and event carry it: `order@1 pay placed paid`."""
    return f"{kind}@{definition} {trigger} {source} {target}"


# The same few edges come by all the time; the bound keeps what a stranger writes from piling up.
@lru_cache(maxsize=4096)
def split_edge(text: str) -> tuple[str, int, str, str, str]:
    """Kind, definition version, trigger, source and target; raises ValueError for anything else."""
    declared, trigger, source, target = text.split(" ")
    kind, _, definition = declared.partition("@")
    return kind, int(definition), trigger, source, target


def write_time(moment: datetime) -> dict[str, str]:
    """ISO 8601 in UTC with microseconds, so that text order is time order."""
    return {"S": moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")}


def read_time(item: Item, name: str) -> datetime:
    """The moment that `write_time` wrote."""
    return datetime.fromisoformat(item[name]["S"])


def write_entity(entity: Entity, last: Event) -> dict[str, Any]:
    """The item of an entity after its last event."""
    item = {
        **key(entity.kind, entity.id, ENTITY),
        "state": {"S": entity.state},
        "version": {"N": str(entity.version)},
        "data": write_map(entity.data),
        "edge": {"S": edge(last.kind, last.definition, last.trigger, last.source, last.target)},
        "event": {"S": last.id},
        "created_at": write_time(entity.created_at),
        "changed_at": write_time(entity.changed_at),
        "listed": {"S": listed(entity.kind, entity.state)},
    }
    if entity.depth:
        item["depth"] = {"N": str(entity.depth)}
    return item


def read_entity(item: Item) -> Entity:
    """The entity of an item or image; raises KeyError or ValueError if it is not one."""
    kind, entity_id = split_partition(item["pk"]["S"])
    _, definition, trigger, _, _ = split_edge(item["edge"]["S"])
    return Entity(
        kind,
        entity_id,
        item["state"]["S"],
        int(item["version"]["N"]),
        read_map(item["data"]["M"]),
        definition,
        item["event"]["S"],
        trigger,
        read_time(item, "created_at"),
        read_time(item, "changed_at"),
        int(item["depth"]["N"]) if "depth" in item else 0,
    )


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
    for name, text in (("by", event.by), ("request", event.request_id), ("cause", event.cause)):
        if text:
            item[name] = {"S": text}
    if event.depth:
        item["depth"] = {"N": str(event.depth)}
    return item


def read_event(item: Item) -> Event:
    """The event of an item."""
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
        by=_text(item, "by"),
        request_id=_text(item, "request"),
        cause=_text(item, "cause"),
        depth=int(item["depth"]["N"]) if "depth" in item else 0,
    )


def _text(item: Item, name: str) -> str:
    return str(item[name]["S"]) if name in item else ""


def write_request(event: Event, request: Request, expires_at: datetime) -> dict[str, Any]:
    """The item of a used request id; DynamoDB removes it some time after `expires_at`."""
    return {
        **key(event.kind, event.entity_id, f"request#{request.id}"),
        "version": {"N": str(request.version)},
        "event": {"S": request.event_id},
        "fingerprint": {"S": request.fingerprint},
        "expires_at": {"N": str(int(expires_at.timestamp()))},
    }


def read_request(item: Item) -> Request:
    """The request of an item."""
    return Request(
        id=item["sk"]["S"].partition("#")[2],
        version=int(item["version"]["N"]),
        event_id=item["event"]["S"],
        fingerprint=item["fingerprint"]["S"],
    )


def read_listed(item: Item) -> Listed:
    """One line of a listing, from what the index holds."""
    kind, entity_id = split_partition(item["pk"]["S"])
    return Listed(kind, entity_id, item["state"]["S"], int(item["version"]["N"]), read_time(item, "changed_at"))


def write_milliseconds(moment: datetime) -> dict[str, str]:
    """Whole milliseconds since 1970, for comparing in a condition; never later than the moment itself."""
    return {"N": str((moment - _EPOCH) // timedelta(milliseconds=1))}


def write_ledger_entry(entry: LedgerEntry) -> dict[str, Any]:
    """The item of the effects of one event."""
    return {
        **key(entry.kind, entry.entity_id, sort_key("effects", entry.version)),
        "claimed_by": {"S": entry.owner},
        "lease_until": write_milliseconds(entry.lease_until),
        # A map has no order in DynamoDB, and hooks run in one.
        "hooks": write_value(list(entry.outcomes)),
        "outcomes": {"M": {hook: write_outcome(outcome) for hook, outcome in entry.outcomes.items()}},
    }


def write_outcome(outcome: Outcome) -> dict[str, Any]:
    """The attribute value of one effect's outcome."""
    fields: dict[str, Any] = {"status": {"S": outcome.status}, "attempts": {"N": str(outcome.attempts)}}
    if outcome.at:
        fields["at"] = write_time(outcome.at)
        fields["took_ms"] = {"N": str(outcome.took_ms)}
    if outcome.error:
        fields["error"] = {"S": outcome.error}
    return {"M": fields}


def read_ledger_entry(item: Item) -> LedgerEntry:
    """The ledger entry of an item."""
    kind, entity_id = split_partition(item["pk"]["S"])
    outcomes = item["outcomes"]["M"]
    return LedgerEntry(
        kind=kind,
        entity_id=entity_id,
        version=int(item["sk"]["S"].rpartition("#")[2]),
        owner=item["claimed_by"]["S"],
        lease_until=datetime.fromtimestamp(int(item["lease_until"]["N"]) / 1000, UTC),
        outcomes={hook: _read_outcome(outcomes[hook]["M"]) for hook in read_value(item["hooks"])},
    )


def _read_outcome(fields: Item) -> Outcome:
    return Outcome(
        status=fields["status"]["S"],
        attempts=int(fields["attempts"]["N"]),
        at=read_time(fields, "at") if "at" in fields else None,
        took_ms=int(fields["took_ms"]["N"]) if "took_ms" in fields else 0,
        error=_text(fields, "error"),
    )


def write_violation(violation: Violation) -> dict[str, Any]:
    """The item of a violation; the place on the stream makes it the same item when it is seen again."""
    return {
        **key(violation.kind, violation.entity_id, f"violation#{violation.position}"),
        "at": write_time(violation.at),
        "reason": {"S": violation.reason},
        "source": {"S": violation.source},
        "target": {"S": violation.target},
        "before_version": {"N": str(violation.before_version)},
        "version": {"N": str(violation.version)},
    }


def read_violation(item: Item) -> Violation:
    """The violation of an item."""
    kind, entity_id = split_partition(item["pk"]["S"])
    return Violation(
        kind=kind,
        entity_id=entity_id,
        position=item["sk"]["S"].partition("#")[2],
        at=read_time(item, "at"),
        reason=item["reason"]["S"],
        source=item["source"]["S"],
        target=item["target"]["S"],
        before_version=int(item["before_version"]["N"]),
        version=int(item["version"]["N"]),
    )
