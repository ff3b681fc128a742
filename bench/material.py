"""What the benchmarks work on: one definition, and a batch of stream records like the issue of a busy shop."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from workflow.aws import items
from workflow.definition.definition import (
    Definition,
    Definitions,
    Field,
    Guard,
    HookUse,
    State,
    Transition,
)
from workflow.engine.entity import Entity
from workflow.engine.events import Event

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


def definitions(*, owing: bool) -> Definitions:
    """An order with a guard and typed payload; with `owing`, each new order and each payment owes a no-op hook."""
    hooks = (HookUse("note"),) if owing else ()
    order = Definition(
        kind="order",
        version=1,
        initial="placed",
        data={
            "email": Field("email", "string", sensitive=True),
            "total": Field("total", "decimal"),
            "name": Field("name", "string", optional=True),
            "currency": Field("currency", "string", optional=True),
            "address": Field("address", "map", optional=True),
            "note": Field("note", "string", optional=True),
            "lines": Field("lines", "list", optional=True),
        },
        states={
            "placed": State("placed", on_enter=hooks),
            "paid": State("paid", on_enter=hooks),
            "closed": State("closed", final=True),
        },
        transitions=(
            Transition(
                trigger="pay",
                source="placed",
                target="paid",
                requires={"amount": Field("amount", "decimal")},
                guard=Guard("payload.amount >= data.total"),
            ),
            Transition(trigger="amend", source="paid", target="paid", sets={"note": None}),
            Transition(trigger="close", source="paid", target="closed"),
        ),
    )
    return Definitions((order,))


def order(entity_id: str, version: int, state: str, *, note: str = "") -> Entity:
    """An order whose item has about 1 KB."""
    lines = [
        {"sku": f"SKU-{n:04}", "name": f"A thing of the sort {n}", "quantity": n, "price": Decimal("39.90")}
        for n in range(1, 4)
    ]
    address = {"street": "1 Example Street", "city": "Exampletown", "zip": "12345", "country": "DE"}
    data = {
        "email": "someone@example.com",
        "name": "Some One",
        "currency": "EUR",
        "total": Decimal("119.70"),
        "address": address,
        "lines": lines,
        "note": note or "n" * 200,
    }
    return Entity(
        kind="order",
        id=entity_id,
        state=state,
        version=version,
        data=data,
        definition=1,
        event_id=f"{version:024x}",
        trigger="create" if version == 1 else "pay",
        created_at=NOW,
        changed_at=NOW,
    )


def image(entity: Entity) -> dict[str, Any]:
    """The image of an order on the stream."""
    trigger, source = ("create", "") if entity.version == 1 else ("pay", "placed")
    event = Event("order", entity.id, entity.version, entity.event_id, trigger, source, entity.state, NOW, 1)
    return items.write_entity(entity, event)


def batch(size: int = 1000, first: int = 0) -> list[dict[str, Any]]:
    """1,000 records with OLD and NEW of about 1 KB: 700 transitions, 200 plain updates, 100 inserts."""
    records = [_record(number) for number in range(first, first + size)]
    # Through JSON, as Lambda's runtime hands them over: no two strings are the same object.
    return [json.loads(json.dumps(record)) for record in records]


def _record(number: int) -> dict[str, Any]:
    entity_id = f"{number:06}"
    old: Entity | None = order(entity_id, 1, "placed")
    new = order(entity_id, 2, "paid")
    if number % 10 in (3, 6):
        new = order(entity_id, 1, "placed", note="m" * 200)
    elif number % 10 == 9:
        old, new = None, order(entity_id, 1, "placed")
    images = {"NewImage": image(new)} | ({"OldImage": image(old)} if old else {})
    return {
        "eventID": f"{number:032x}",
        "eventName": "MODIFY" if old else "INSERT",
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "eu-central-1",
        "eventSourceARN": "arn:aws:dynamodb:eu-central-1:123456789012:table/t/stream/2026-01-31T00:00:00.000",
        "dynamodb": {
            "ApproximateCreationDateTime": 1769860800.0,
            "Keys": items.key("order", entity_id, items.ENTITY),
            **images,
            "SequenceNumber": f"{100000000000000000000 + number}",
            "SizeBytes": 2100,
            "StreamViewType": "NEW_AND_OLD_IMAGES",
        },
    }
