"""Verify sees on a real table what somebody did to its items, and quotes none of it."""

from __future__ import annotations

from tests.integration.table.conftest import OnTable
from workflow.aws.records import TableRecords
from workflow.operations import Operations

DAMAGED = "item order#damaged entity was changed by hand: it lacks 'N'; restore it from its history or a backup"


def test_what_was_done_to_items_by_hand_is_found_and_not_quoted(on_table: OnTable) -> None:
    for entity_id in ("edited", "holed", "damaged", "deleted"):
        on_table.flow.create("order", entity_id, {"total": 100})
        on_table.flow.fire("order", entity_id, "annotate", {"note": "x"})

    def key(entity_id: str, sk: str) -> dict[str, object]:
        return {
            "TableName": on_table.table,
            "Key": {"pk": {"S": f"order#{entity_id}"}, "sk": {"S": sk}},
        }

    for entity_id in ("edited", "damaged"):
        value = {"S": "4111 1111"} if entity_id == "edited" else {"M": {"4111 1111": {"BOOL": True}}}
        path = "#data.note" if entity_id == "edited" else "version"
        names = {"ExpressionAttributeNames": {"#data": "data"}} if entity_id == "edited" else {}
        on_table.client.update_item(
            **key(entity_id, "entity"),
            UpdateExpression=f"SET {path} = :value",
            ExpressionAttributeValues={":value": value},
            **names,
        )
    on_table.client.delete_item(**key("holed", "event#000000000001"))
    on_table.client.delete_item(**key("deleted", "entity"))

    found = Operations(on_table.flow.runtime, TableRecords(on_table.client, on_table.table)).verify()

    assert sorted((f.entity_id, f.promise, f.what) for f in found.findings) == [
        ("damaged", 2, DAMAGED),
        ("deleted", 2, "it was deleted, its history of 2 events was not"),
        ("edited", 2, "it does not equal its history: of its data: note"),
        ("holed", 2, "order holed: event 2 from 'placed' does not follow version 0 in 'nothing'"),
    ]
    assert "4111" not in str(found)
    assert (found.entities, found.events) == (5, 8)
