"""Archives of every engine build the same table on every engine."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.archives import Shop, table_bulk
from tests.contracts.conftest import Ports
from tests.fakes.faults import Wire, lose_request, lose_response, operation_of
from tests.writes import BEGINNING
from workflow.aws.bulk import records_of
from workflow.aws.lambdas.stream import StreamHandler
from workflow.aws.ledger import TableLedger
from workflow.aws.table import TableStore
from workflow.engine.events import Event, evolve
from workflow.errors import HistoryConflictError
from workflow.operations import Operations
from workflow.runtime.records import EntityRecords
from workflow.testing import MemoryStore
from workflow.testing.memory_records import MemoryRecords

NO_THREADS = "it breaks when several threads write at once, as hydrating does"


def _shop(ports: Ports, clock: Any) -> Shop:
    if isinstance(ports.store, MemoryStore):
        return Shop(ports.store, clock=clock)
    assert isinstance(ports.store, TableStore)
    return Shop(ports.store, ports.ledger, records_of(ports.store), table_bulk(ports.store), clock=clock)


@pytest.fixture
def shop() -> Shop:
    return Shop().live().deliver()


@pytest.mark.not_on(moto=NO_THREADS)
def test_what_was_archived_in_memory_is_built_here_and_archived_here_the_same(
    ports: Ports, shop: Shop, tmp_path: Path
) -> None:
    shop.archive(tmp_path / "one")
    other = _shop(ports, shop.clock)
    hydrated = other.hydrate(tmp_path / "one")
    assert (hydrated.loaded, hydrated.checked, hydrated.placed, hydrated.told) == (10, 10, 4, [])
    assert other.everything() == shop.everything()
    other.archive(tmp_path / "two")
    again = Shop(clock=shop.clock)
    again.hydrate(tmp_path / "two")
    assert again.everything() == shop.everything()
    assert Operations(other.flow.runtime, other.records).reconcile().restored == []


@pytest.mark.not_on(moto=NO_THREADS)
def test_one_that_is_repeated_leaves_everything_as_it_is(ports: Ports, shop: Shop, tmp_path: Path) -> None:
    shop.archive(tmp_path)
    other = _shop(ports, shop.clock)
    other.hydrate(tmp_path, kind="job")
    other.flow.fire("job", "0", "finish")
    other.flow.create("order", "1 #ü\u2028", {"total": 7})
    first = other.hydrate(tmp_path)
    assert (first.loaded, first.there, first.moved_on, first.wrong) == (5, 3, 1, 1)
    before = other.everything()
    second = other.hydrate(tmp_path)
    assert (second.loaded, second.there, second.moved_on, second.told) == (0, 8, 1, first.told)
    assert other.everything() == before


class KilledError(Exception):
    pass


@pytest.mark.not_on(memory="it has no wire", moto="it is no oracle", ministack="one engine with a wire will do")
def test_one_that_is_killed_at_any_call_and_repeated_builds_the_same(ports: Ports, shop: Shop, tmp_path: Path) -> None:
    shop.archive(tmp_path, kind="job")
    other = _shop(ports, shop.clock)
    left = -1

    def kill(request: Any, **_: Any) -> None:
        nonlocal left
        if operation_of(request) == "TransactWriteItems":
            if left == 0:
                raise KilledError
            left -= 1

    ports.client.meta.events.register_first("before-send.dynamodb", kill)
    # Each goes on where the one before it was killed, a call further each time.
    for number in range(60):
        left = number % 3
        try:
            other.hydrate(tmp_path, workers=1)
        except KilledError:
            continue
        break
    assert 2 < number < 59
    assert other.everything() == [one for one in shop.everything() if one.kind == "job"]


@pytest.mark.not_on(memory="it has no wire", moto="it is no oracle", ministack="one engine with a wire will do")
def test_lost_requests_and_answers_change_nothing(ports: Ports, shop: Shop, tmp_path: Path) -> None:
    shop.archive(tmp_path)
    other = _shop(ports, shop.clock)
    wire = Wire(ports.client)
    wire.fail(lose_response, lose_request, lose_request, lose_response, operation="BatchGetItem")
    other.hydrate(tmp_path, kind="job")
    wire.fail(lose_response, lose_request, lose_response, lose_request, operation="TransactWriteItems")
    hydrated = other.hydrate(tmp_path, kind="order")
    assert wire.faults == []
    assert (hydrated.loaded + hydrated.there, hydrated.checked, hydrated.told) == (6, 6, [])
    assert other.everything() == shop.everything()


@pytest.mark.not_on(memory="it has no wire", moto="it is no oracle", ministack="one engine with a wire will do")
def test_an_engine_that_is_too_slow_for_large_transactions_is_given_smaller_ones(ports: Ports, tmp_path: Path) -> None:
    shop = Shop()
    for number in range(45):
        shop.flow.create("order", str(number), {"total": 1})
    shop.archive(tmp_path)
    other, sizes = _shop(ports, shop.clock), []

    def lose(request: Any, **_: Any) -> None:
        if operation_of(request) == "TransactWriteItems":
            sizes.append(len(json.loads(request.body)["TransactItems"]))
            if sizes[-1] > 50:
                lose_request(request)

    ports.client.meta.events.register_first("before-send.dynamodb", lose)
    hydrated = other.hydrate(tmp_path, workers=1)
    assert (hydrated.loaded, hydrated.checked, hydrated.told) == (45, 45, [])
    assert other.everything() == shop.everything()
    assert max(sizes) > 50


TABLES_ALONE = {"memory": "it has no wire", "moto": NO_THREADS}


def _meanwhile(ports: Ports, number: int, do: Callable[[], None]) -> None:
    """Has it done before the transaction with that number is sent."""
    left = number

    def look(request: Any, **_: Any) -> None:
        nonlocal left
        if operation_of(request) == "TransactWriteItems":
            left -= 1
            if left == -1:
                do()

    ports.client.meta.events.register_first("before-send.dynamodb", look)


@pytest.mark.not_on(**TABLES_ALONE)
def test_who_creates_one_meanwhile_keeps_it_and_its_effects_are_still_owed(
    ports: Ports, shop: Shop, tmp_path: Path
) -> None:
    shop.archive(tmp_path, kind="order")
    other = _shop(ports, shop.clock)
    _meanwhile(ports, 0, lambda: other.flow.create("order", "3 #ü\u2028", {"total": 7}))
    hydrated = other.hydrate(tmp_path, workers=1)
    assert (hydrated.loaded, hydrated.checked, hydrated.wrong) == (5, 5, 1)
    assert hydrated.told == [
        "order 3 #ü\u2028: it is there at version 1 with another history than the 4 events to be loaded; "
        "it was left alone"
    ]
    assert other.flow.get("order", "3 #ü\u2028").data == {"total": 7}
    assert [event.version for event in other.flow.history("order", "3 #ü\u2028")] == [1]
    other.flow.fire("order", "3 #ü\u2028", "pay", {"amount": 7})
    assert list(other.flow.effects("order", "3 #ü\u2028")) == []


def _long(shop: Shop) -> Shop:
    """With an order whose history fits into no single transaction."""
    held = shop.flow.create("order", "long", {"total": 1}).entity
    for number in range(130):
        held = shop.flow.fire("order", "long", "annotate", {"note": number}, held=held).entity
    return shop


@pytest.mark.not_on(**TABLES_ALONE)
def test_nobody_can_create_one_that_is_half_loaded(ports: Ports, tmp_path: Path) -> None:
    shop = _long(Shop())
    shop.archive(tmp_path)
    other = _shop(ports, shop.clock)
    refused = []

    def create() -> None:
        with pytest.raises(HistoryConflictError) as caught:
            other.flow.create("order", "long", {"total": 7})
        refused.append(str(caught.value))

    _meanwhile(ports, 1, create)
    hydrated = other.hydrate(tmp_path, workers=1)
    assert len(refused) == 1
    assert (hydrated.loaded, hydrated.checked, hydrated.told) == (1, 1, [])
    assert other.everything() == shop.everything()


class Bulky(MemoryRecords):
    """Three orders, the second of which is larger than an item may be."""

    def all(self, share: int, shares: int) -> Iterator[EntityRecords]:
        for number in range(3) if share == 0 else ():
            data = {"note": "x" * 410_000 * (number == 1)}
            event = Event("order", str(number), 1, f"id-{number}", "create", "", "placed", BEGINNING, 1, data, data)
            yield EntityRecords("order", str(number), evolve(None, event), [event], [], [], None, [])


@pytest.mark.not_on(memory="it takes what it is given", moto=NO_THREADS)
def test_what_is_larger_than_an_item_may_be_is_told_and_the_rest_goes_on(ports: Ports, tmp_path: Path) -> None:
    shop = Shop()
    shop.records = Bulky(shop.store)
    shop.archive(tmp_path)
    hydrated = _shop(ports, shop.clock).hydrate(tmp_path)
    assert (hydrated.loaded, hydrated.checked, hydrated.wrong) == (2, 2, 1)
    (told,) = hydrated.told
    assert told.startswith("order 1: writing table ")
    assert told.endswith("; it was left out")


@pytest.mark.not_on(**TABLES_ALONE)
def test_one_that_was_damaged_by_hand_is_told_and_the_rest_goes_on(ports: Ports, shop: Shop, tmp_path: Path) -> None:
    shop.archive(tmp_path)
    other = _shop(ports, shop.clock)
    other.hydrate(tmp_path)
    for pk in ("order#3 #ü\u2028", "job#0"):
        ports.client.update_item(
            TableName=ports.table,
            Key={"pk": {"S": pk}, "sk": {"S": "entity"}},
            UpdateExpression="REMOVE #edge",
            ExpressionAttributeNames={"#edge": "edge"},
        )
    hydrated = other.hydrate(tmp_path)
    assert (hydrated.there, hydrated.checked, hydrated.wrong) == (8, 8, 2)
    assert sorted(hydrated.told) == [
        f"{name}: it is there and cannot be read: item {pk} entity was changed by hand: it lacks 'edge'; restore it "
        f"from its history or a backup; it was left alone"
        for name, pk in (("job 0", "job#0"), ("order 3 #ü\u2028", "order#3 #ü\u2028"))
    ]


def _records(ports: Ports, url: str) -> list[dict[str, Any]]:
    """Everything on the table's stream."""
    from workflow.aws.client import make_client

    credentials = ports.client._request_signer._credentials
    streams = make_client("dynamodbstreams", endpoint_url=url, access_key=credentials.access_key)
    arn = ports.client.describe_table(TableName=ports.table)["Table"]["LatestStreamArn"]
    found = []
    for shard in streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]:
        iterator = streams.get_shard_iterator(
            StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        while iterator:
            answer = streams.get_records(ShardIterator=iterator)
            found += answer["Records"]
            iterator = answer.get("NextShardIterator") if answer["Records"] else None
    return sorted(found, key=lambda record: int(record["dynamodb"]["SequenceNumber"]))


@pytest.mark.not_on(memory="it has no stream of records", moto="its stream is no oracle")
@pytest.mark.parametrize("interrupted", [False, True])
def test_the_stream_of_a_table_that_was_built_runs_no_hook(
    ports: Ports, shop: Shop, tmp_path: Path, request: pytest.FixtureRequest, interrupted: bool
) -> None:
    shop.archive(tmp_path)
    other = _shop(ports, shop.clock)
    if interrupted:
        other.hydrate(tmp_path, kind="job")
    other.hydrate(tmp_path)
    records = _records(ports, request.getfixturevalue(f"{ports.engine}_url"))
    entities = [one for one in records if one["dynamodb"]["Keys"]["sk"]["S"] == "entity"]
    assert len(entities) == 10 + 4
    answer = StreamHandler(other.flow.runtime).handle(entities, 60_000)
    assert (answer, other.ran) == ({"batchItemFailures": []}, [])
    assert other.everything() == shop.everything()
    assert list(other.flow.runtime.ledger.parked()) == []
    assert isinstance(other.flow.runtime.ledger, TableLedger)
