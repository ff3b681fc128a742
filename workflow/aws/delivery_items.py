"""How ledger entries and violations lie in the table: what delivering leaves beside the events."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from workflow.aws.attributes import Item, read_value, write_value
from workflow.aws.damage import reader
from workflow.aws.due_items import write_due
from workflow.aws.items import key, read_text, sort_key, split_partition
from workflow.aws.times import read_time, write_milliseconds, write_time
from workflow.runtime.ledger_entry import Attempt, LedgerEntry, Outcome, Parked
from workflow.runtime.ports import Pause, Violation

PAUSES = {"pk": {"S": "#pauses"}, "sk": {"S": "hooks"}}
"""The one item of all pauses; no kind is called ''."""


def write_ledger_entry(entry: LedgerEntry, region: str = "") -> dict[str, Any]:
    """The item of the effects of one event."""
    return {
        **key(entry.kind, entry.entity_id, sort_key("effects", entry.version)),
        "claimed_by": {"S": entry.owner},
        "lease_until": write_milliseconds(entry.lease_until),
        # A map has no order in DynamoDB, and hooks run in one.
        "hooks": write_value(list(entry.outcomes)),
        "outcomes": {"M": {hook: write_outcome(outcome) for hook, outcome in entry.outcomes.items()}},
        **write_parked(entry, region),
    }


def write_parked(entry: LedgerEntry, region: str = "") -> dict[str, Any]:
    """The attributes of an entry that was put aside; none of any other."""
    parked = entry.parked
    if parked is None:
        return {}
    fields = {"hook": {"S": parked.hook}, "why": {"S": parked.why}, "since": write_time(parked.since)}
    if parked.next_at:
        fields["next_at"] = write_time(parked.next_at)
    if parked.error:
        fields["error"] = {"S": parked.error}
    queue, at = ("due", parked.next_at) if parked.next_at else ("parked", parked.since)
    return {"parked": {"M": fields}, **write_due(queue, entry.kind, entry.entity_id, at, region)}


def write_outcome(outcome: Outcome) -> dict[str, Any]:
    """The attribute value of one effect's outcome."""
    fields: dict[str, Any] = {"status": {"S": outcome.status}, "attempts": {"N": str(outcome.attempts)}}
    if outcome.at:
        fields["at"] = write_time(outcome.at)
        fields["took_ms"] = {"N": str(outcome.took_ms)}
    for name in ("error", "trace", "note", "undo"):
        if text := getattr(outcome, name):
            fields[name] = {"S": text}
    if outcome.earlier:
        fields["earlier"] = {"L": [_write_attempt(attempt) for attempt in outcome.earlier]}
    if outcome.forgiven:
        fields["forgiven"] = {"N": str(outcome.forgiven)}
    return {"M": fields}


def _write_attempt(attempt: Attempt) -> dict[str, Any]:
    at, took_ms = write_time(attempt.at), {"N": str(attempt.took_ms)}
    return {"M": {"at": at, "took_ms": took_ms, "error": {"S": attempt.error}}}


@reader
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
        parked=_read_parked(item["parked"]["M"]) if "parked" in item else None,
    )


def _read_parked(fields: Item) -> Parked:
    return Parked(
        hook=fields["hook"]["S"],
        why=fields["why"]["S"],
        since=read_time(fields, "since"),
        next_at=read_time(fields, "next_at") if "next_at" in fields else None,
        error=read_text(fields, "error"),
    )


def _read_outcome(fields: Item) -> Outcome:
    return Outcome(
        status=fields["status"]["S"],
        attempts=int(fields["attempts"]["N"]),
        at=read_time(fields, "at") if "at" in fields else None,
        took_ms=int(fields["took_ms"]["N"]) if "took_ms" in fields else 0,
        error=read_text(fields, "error"),
        trace=read_text(fields, "trace"),
        earlier=tuple(_read_attempt(attempt["M"]) for attempt in fields["earlier"]["L"]) if "earlier" in fields else (),
        note=read_text(fields, "note"),
        forgiven=int(fields["forgiven"]["N"]) if "forgiven" in fields else 0,
        undo=read_text(fields, "undo"),
    )


def _read_attempt(fields: Item) -> Attempt:
    return Attempt(read_time(fields, "at"), int(fields["took_ms"]["N"]), fields["error"]["S"])


def write_pause(pause: Pause) -> dict[str, Any]:
    """The attribute value of a pause, which stands under the name of its hook."""
    since, texts = write_time(pause.since), {"reason": {"S": pause.reason}, "by": {"S": pause.by}}
    return {"M": {"since": since, **texts}}


def read_pauses(item: Item) -> Mapping[str, Pause]:
    """The pauses of the one item, by hook."""
    found = {hook: value["M"] for hook, value in item.items() if hook not in PAUSES}
    return {
        hook: Pause(hook, read_time(fields, "since"), fields["reason"]["S"], fields["by"]["S"])
        for hook, fields in found.items()
    }


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


@reader
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
