"""How ledger entries and violations lie in the table: what delivering leaves beside the events."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from workflow.aws.attributes import Item, read_value, write_value
from workflow.aws.items import key, read_text, read_time, sort_key, split_partition, write_time
from workflow.runtime.ports import LedgerEntry, Outcome, Violation

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


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
        error=read_text(fields, "error"),
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
