"""The ledger on the same table: one item an event holds all its effects, so that one write claims them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from workflow.aws import delivery_items, items
from workflow.aws.failures import translated
from workflow.errors import ClaimError, LeaseLostError
from workflow.runtime.ports import RELEASED, LedgerEntry, Outcome


class TableLedger:
    """Claims with one conditional put, commits with one conditional update; both name their owner."""

    def __init__(self, client: Any, table_name: str) -> None:
        self._client = client
        self._table = table_name

    def claim(self, claim: LedgerEntry, now: datetime) -> LedgerEntry:
        """Takes the effects for `claim.owner`, or returns them settled; raises ClaimError while another holds them."""
        found = self._put(claim, "attribute_not_exists(pk)", {})
        if found is None:
            return claim
        if found.settled or found.owner == claim.owner:
            return found
        if found.lease_until > now:
            raise ClaimError(f"{_subject(claim)} are held by another delivery until {found.lease_until.isoformat()}")
        return self._take_over(claim, found)

    def _take_over(self, claim: LedgerEntry, found: LedgerEntry) -> LedgerEntry:
        taken = claim._replace(outcomes=found.outcomes_for_next_owner())
        old = delivery_items.write_ledger_entry(found)
        # A slow owner may commit up to this moment, and what it commits must not be overwritten by what was found.
        condition = "claimed_by = :claimed_by AND lease_until = :lease_until AND outcomes = :outcomes"
        as_found = {f":{name}": old[name] for name in ("claimed_by", "lease_until", "outcomes")}
        stood = self._put(taken, condition, as_found)
        # Our own claim stands there if botocore sent it twice because an answer was lost.
        if stood is not None and stood.owner != claim.owner:
            raise ClaimError(f"{_subject(claim)} were taken by another delivery at the same moment")
        return taken

    def _put(self, entry: LedgerEntry, condition: str, values: Mapping[str, Any]) -> LedgerEntry | None:
        """None if written, else what stood there instead."""
        request: dict[str, Any] = {
            "TableName": self._table,
            "Item": delivery_items.write_ledger_entry(entry),
            "ConditionExpression": condition,
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
        if values:
            request["ExpressionAttributeValues"] = values
        try:
            with translated(f"claiming {_subject(entry)}"):
                self._client.put_item(**request)
        except ClientError as error:
            old = error.response.get("Item")
            return delivery_items.read_ledger_entry(old) if old else entry
        return None

    def commit(self, entry: LedgerEntry, hook: str, outcome: Outcome) -> None:
        """Writes one outcome, if `entry.owner` still holds the entry; a failure ends the lease as well."""
        update = "SET outcomes.#hook = :outcome"
        values = {":outcome": delivery_items.write_outcome(outcome)}
        if outcome.status == "failed" and outcome.at:
            update += ", lease_until = :over"
            values[":over"] = delivery_items.write_milliseconds(outcome.at)
        self._update(entry, f"{hook!r} ran", update, values, ExpressionAttributeNames={"#hook": hook})

    def release(self, entry: LedgerEntry, now: datetime) -> None:
        """Ends the lease, if `entry.owner` still holds the entry; no attempt is counted for it."""
        values = {":nobody": {"S": RELEASED}, ":now": delivery_items.write_milliseconds(now)}
        self._update(entry, "it was held", "SET claimed_by = :nobody, lease_until = :now", values)

    def _update(self, entry: LedgerEntry, while_: str, update: str, values: dict[str, Any], **more: Any) -> None:
        try:
            with translated(f"committing {_subject(entry)}"):
                self._client.update_item(
                    TableName=self._table,
                    Key=items.key(entry.kind, entry.entity_id, items.sort_key("effects", entry.version)),
                    UpdateExpression=update,
                    ConditionExpression="claimed_by = :owner",
                    ExpressionAttributeValues={**values, ":owner": {"S": entry.owner}},
                    **more,
                )
        except ClientError as error:
            raise LeaseLostError(f"{_subject(entry)}: the lease passed on while {while_}") from error

    def entries(self, kind: str, entity_id: str) -> Iterator[LedgerEntry]:
        """The ledger of one entity, in version order, by consistent reads."""
        paginator = self._client.get_paginator("query")
        pages = paginator.paginate(
            TableName=self._table,
            ConsistentRead=True,
            KeyConditionExpression="pk = :pk AND begins_with(sk, :effects)",
            ExpressionAttributeValues={
                ":pk": {"S": items.partition(kind, entity_id)},
                ":effects": {"S": "effects#"},
            },
        )
        with translated(f"reading the effects of {kind} {entity_id} in table {self._table}"):
            for page in pages:
                yield from map(delivery_items.read_ledger_entry, page["Items"])


def _subject(entry: LedgerEntry) -> str:
    return f"the effects of {entry.kind} {entry.entity_id} version {entry.version}"
