"""Transitions a second through `fire`, against careful hand-written code on the same engine (DynamoDB Local)."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import boto3

from bench.material import definitions
from bench.measure import Row, speed_ratio, wall
from workflow import Workflow
from workflow.aws.client import make_client
from workflow.aws.ledger import TableLedger
from workflow.aws.table import TableStore
from workflow.local.dynamodb_local import DynamoDBLocal

TABLE = "bench"
ACCESS_KEY = "bench"
TRANSITIONS = 96
WARM_UP = 400


def rows() -> Iterator[Row]:
    """The figures at 1 and at 8 threads, against boto3's default client and against a client tuned like ours."""
    with DynamoDBLocal() as engine:
        tuned = make_client("dynamodb", endpoint_url=engine.endpoint_url, access_key=ACCESS_KEY)
        default = boto3.client(
            "dynamodb",
            endpoint_url=engine.endpoint_url,
            region_name="us-east-1",
            aws_access_key_id=ACCESS_KEY,
            aws_secret_access_key="local",
        )
        _create_table(tuned)
        _warm_up(tuned)
        for name, client in (("boto3's default client", default), ("the same client as ours", tuned)):
            for threads in (1, 8):
                yield _row(tuned, client, name, threads)


def _warm_up(client: Any) -> None:
    """The engine's virtual machine compiles what is called often; whoever comes first would pay for it."""
    flow = Workflow(definitions(owing=False), TableStore(client, TABLE), ledger=TableLedger(client, TABLE))
    (entity_id,) = _orders(flow, 1)
    for number in range(WARM_UP):
        flow.fire("order", entity_id, "amend", {"note": f"note {number}"})
        _by_hand(client, entity_id, number)


def _row(tuned: Any, client: Any, name: str, threads: int) -> Row:
    flow = Workflow(definitions(owing=False), TableStore(tuned, TABLE), ledger=TableLedger(tuned, TABLE))
    ours, theirs = _orders(flow, threads), _orders(flow, threads)

    def fire(entity_id: str, number: int) -> None:
        flow.fire("order", entity_id, "amend", {"note": f"note {number}"})

    ratio, detail = speed_ratio(
        lambda: lambda: _spread(fire, ours),
        lambda: lambda: _spread(lambda entity_id, number: _by_hand(client, entity_id, number), theirs),
        clock=wall,
        rounds=9,
    )
    return Row(f"fire, {threads} thread{'s' * (threads > 1)}", f"by hand, {name}", ratio, 0.9, detail=detail)


_numbers = itertools.count()


def _orders(flow: Workflow, threads: int) -> list[str]:
    ids = [f"{next(_numbers)}" for _ in range(threads)]
    for entity_id in ids:
        flow.create("order", entity_id, {"email": "someone@example.com", "total": 120, "note": "n" * 300})
        flow.fire("order", entity_id, "pay", {"amount": 120})
    return ids


def _spread(work: Callable[[str, int], None], ids: list[str]) -> None:
    """The same number of transitions in all, each thread on an entity of its own."""

    def run(entity_id: str) -> None:
        for number in range(TRANSITIONS // len(ids)):
            work(entity_id, number)

    with ThreadPoolExecutor(len(ids)) as pool:
        list(pool.map(run, ids))


def _by_hand(client: Any, entity_id: str, number: int) -> None:
    """What a careful team writes: consistent read, check, one transaction with conditions, event beside it."""
    key = {"pk": {"S": f"order#{entity_id}"}, "sk": {"S": "entity"}}
    item = client.get_item(TableName=TABLE, Key=key, ConsistentRead=True)["Item"]
    if item["state"]["S"] != "paid":
        raise ValueError(f"order {entity_id} is {item['state']['S']}")
    version = int(item["version"]["N"])
    now = datetime.now(UTC).isoformat()
    event_id = uuid.uuid4().hex
    event = {
        "pk": key["pk"],
        "sk": {"S": f"event#{version + 1:012d}"},
        "event": {"S": event_id},
        "edge": {"S": "order@1 amend paid paid"},
        "at": {"S": now},
        "changes": {"M": {"note": {"S": f"note {number}"}}},
    }
    item["data"]["M"]["note"] = {"S": f"note {number}"}
    item |= {
        "version": {"N": str(version + 1)},
        "edge": {"S": "order@1 amend paid paid"},
        "event": {"S": event_id},
        "changed_at": {"S": now},
    }
    entity_put = {
        "TableName": TABLE,
        "Item": item,
        "ConditionExpression": "#version = :version AND #state = :state",
        "ExpressionAttributeNames": {"#version": "version", "#state": "state"},
        "ExpressionAttributeValues": {":version": {"N": str(version)}, ":state": {"S": "paid"}},
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }
    event_put = {"TableName": TABLE, "Item": event, "ConditionExpression": "attribute_not_exists(pk)"}
    client.transact_write_items(
        TransactItems=[{"Put": entity_put}, {"Put": event_put}], ClientRequestToken=uuid.uuid4().hex
    )


def _create_table(client: Any) -> None:
    client.create_table(
        TableName=TABLE,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk", "listed")],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "by_state",
                "KeySchema": [
                    {"AttributeName": "listed", "KeyType": "HASH"},
                    {"AttributeName": "pk", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["state", "version", "changed_at"]},
            }
        ],
    )
