"""Somebody writes to the table past the framework: seen, recorded, and no hook runs on it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.acceptance.conftest import Deployed, an_order


@pytest.mark.parametrize(
    ("id", "update", "reason", "version"),
    [
        (
            "state",
            "SET #state = :state",
            "the state went from 'placed' to 'shipped' without an event",
            1,
        ),
        (
            "version",
            "SET #state = :state, version = version + :one",
            "the version went from 1 to 2 without an event",
            2,
        ),
        (
            "event",
            "SET #state = :state, version = version + :one, event = :made_up",
            "version 1 of the definition has no transition 'create' from 'placed' to 'shipped'",
            2,
        ),
    ],
)
def test_a_transition_that_nobody_declared_is_recorded_and_runs_no_hook(
    deployed: Deployed, id: str, update: str, reason: str, version: int
) -> None:
    email = f"ada@{id}.by-hand.example.com"
    deployed.flow.create("order", f"by-hand-{id}", an_order(email))
    deployed.settle()
    write(deployed, f"order#by-hand-{id}", update)
    deployed.flow.create("order", f"next-{id}", an_order(email))
    deployed.settle()

    (violation,) = deployed.flow.violations("order", f"by-hand-{id}")
    assert (violation.reason, violation.source, violation.target, violation.before_version, violation.version) == (
        reason,
        "placed",
        "shipped",
        1,
        version,
    )
    assert deployed.effects("order", f"by-hand-{id}") == {"1 record_line": ("done", 1)}
    assert deployed.mails_to(email) == []
    assert deployed.order_history(email) == [(f"by-hand-{id}#000001", "placed"), (f"next-{id}#000001", "placed")]


def write(deployed: Deployed, pk: str, update: str) -> None:
    values: dict[str, Any] = {":state": {"S": "shipped"}}
    if ":one" in update:
        values[":one"] = {"N": "1"}
    if ":made_up" in update:
        values[":made_up"] = {"S": "made-up"}
    deployed.dynamodb.update_item(
        TableName=deployed.cloud.stack.table_name,
        Key={"pk": {"S": pk}, "sk": {"S": "entity"}},
        UpdateExpression=update,
        ExpressionAttributeNames={"#state": "state"},
        ExpressionAttributeValues=values,
    )
