"""From a fire to its effects over DynamoDB's own stream: the records are the engine's, not ours."""

from __future__ import annotations

from typing import Any

import pytest

from tests.engines import create_table
from tests.fakes.clock import FakeClock
from tests.integration.table.conftest import OnTable
from workflow.aws.client import make_client
from workflow.aws.lambdas.stream import StreamHandler
from workflow.errors import HistoryConflictError

MINUTE = 60_000


@pytest.fixture
def stream(on_table: OnTable, dynamodb_local_url: str) -> Any:
    """All records of the table's stream so far, each time it is called."""
    key = on_table.client._request_signer._credentials.access_key
    streams = make_client("dynamodbstreams", endpoint_url=dynamodb_local_url, access_key=key)
    arn = on_table.client.describe_table(TableName=on_table.table)["Table"]["LatestStreamArn"]

    def read() -> list[dict[str, Any]]:
        (shard,) = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
        iterator = streams.get_shard_iterator(
            StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        records: list[dict[str, Any]] = streams.get_records(ShardIterator=iterator)["Records"]
        return [record for record in records if record["dynamodb"]["Keys"]["sk"]["S"] == "entity"]

    return read


def _runs(on_table: OnTable) -> list[tuple[int, str, int]]:
    return [run[1:] for run in on_table.notes.ran]


def test_what_the_stream_brings_runs_the_hooks_once(on_table: OnTable, stream: Any) -> None:
    on_table.flow.fire("order", "42", "pay", {"amount": 100})
    on_table.flow.fire("order", "42", "annotate", {"note": "x"})
    on_table.flow.fire("order", "42", "ship", {"carrier": "DHL"})
    handler = StreamHandler(on_table.flow.runtime)
    records = stream()
    assert len(records) == 4
    for _ in range(2):
        assert handler.handle(records, MINUTE) == {"batchItemFailures": []}
    assert _runs(on_table) == [
        (2, "receipt", 1),
        (2, "loyalty", 1),
        (3, "receipt", 1),
        (3, "loyalty", 1),
        (4, "notify", 1),
    ]
    assert all(entry.settled for entry in on_table.flow.effects("order", "42"))


def test_raw_writes_are_seen_and_run_nothing(on_table: OnTable, stream: Any) -> None:
    key = {"pk": {"S": "order#42"}, "sk": {"S": "entity"}}
    item = on_table.item()
    assert item is not None
    for change in (
        {"state": {"S": "paid"}},
        {"state": {"S": "paid"}, "version": {"N": "2"}},
        {"state": {"S": "shipped"}, "version": {"N": "1"}},
        {"version": {"N": "9"}},
    ):
        on_table.client.put_item(TableName=on_table.table, Item={**item, **change})
    on_table.client.put_item(TableName=on_table.table, Item={**key, "whatever": {"BOOL": True}})
    with pytest.raises(HistoryConflictError, match="item order#42 entity was changed by hand: it lacks 'edge'"):
        on_table.flow.get("order", "42")
    on_table.client.delete_item(TableName=on_table.table, Key=key)
    handler = StreamHandler(on_table.flow.runtime)
    for _ in range(2):
        assert handler.handle(stream(), MINUTE) == {"batchItemFailures": []}
    reasons = [violation.reason for violation in on_table.flow.violations("order", "42")]
    assert sorted(reasons) == [
        "the entity is at version 9, its history has no event 9",
        "the entity was deleted by hand",
        "the state went from 'placed' to 'paid' without an event",
        "the version went back from 2 to 1",
        "the version went from 1 to 2 without an event",
        "what was written by hand in the entity's place is none",
    ]
    assert on_table.notes.ran == []


def test_an_entity_that_was_put_aside_goes_on_with_a_sweep(on_table: OnTable, stream: Any, clock: FakeClock) -> None:
    on_table.notes.failing["loyalty"] = lambda effect: 1 / 0
    on_table.flow.fire("order", "42", "pay", {"amount": 100})
    handler = StreamHandler(on_table.flow.runtime)
    records = stream()
    assert handler.handle(records, MINUTE) == {"batchItemFailures": []}
    (entry,) = on_table.flow.effects("order", "42")
    assert [(o.status, o.attempts, o.error) for o in entry.outcomes.values()] == [
        ("done", 1, ""),
        ("failed", 1, "ZeroDivisionError: division by zero"),
    ]
    assert entry.parked is not None
    assert (entry.parked.hook, entry.parked.why) == ("loyalty", "retry")
    on_table.notes.failing.clear()
    on_table.flow.fire("order", "42", "ship", {"carrier": "DHL"})
    assert handler.handle(stream()[1:], MINUTE) == {"batchItemFailures": []}
    assert _runs(on_table) == [(2, "receipt", 1), (2, "loyalty", 1)]
    clock.advance(30)
    assert on_table.sweep().effects_done == 2
    assert _runs(on_table)[2:] == [(2, "loyalty", 2), (3, "notify", 1)]
    assert all(entry.settled and not entry.parked for entry in on_table.flow.effects("order", "42"))


def test_a_table_that_is_not_there_is_told_with_a_way_out(on_table: OnTable) -> None:
    on_table.client.delete_table(TableName=on_table.table)
    with pytest.raises(Exception, match="there is no such table here; set WORKFLOW_TABLE and AWS_ENDPOINT_URL"):
        on_table.flow.get("order", "42")
    create_table(on_table.client)
