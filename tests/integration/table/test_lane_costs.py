"""What lanes cost, counted exactly on the wire: a start is one query and one transaction beyond a transition's read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from tests.engines import create_table, new_client
from tests.fakes.clock import FakeClock
from tests.fakes.faults import Wire, written
from tests.fakes.lanes import lane_of, standing
from tests.fakes.units import item_bytes
from tests.samples import JOB, definitions, laned
from workflow import Workflow
from workflow.aws import due_items
from workflow.aws.ledger import TableLedger
from workflow.aws.table import TableStore
from workflow.definition.definition import Definition
from workflow.runtime.start_waiting import Started, start_waiting
from workflow.runtime.sweep import Sweeper

TellFigure = Callable[[str], None]


@dataclass
class Jobs:
    """Jobs on a table of their own, whose requests and consumed units are counted."""

    flow: Workflow
    client: Any
    table: str
    wire: Wire
    consumed: list[tuple[str, dict[str, Any]]]

    def add(self, *ids: str, repository: str = "a") -> None:
        for entity_id in ids:
            self.flow.create("job", entity_id, {"repository": repository})

    def look(self, key: str = "a") -> Started:
        return start_waiting(self.flow.runtime, lane_of(key))

    def forget(self) -> None:
        self.wire.sent.clear()
        self.consumed.clear()

    def calls(self) -> list[str]:
        calls = self.wire.operations()
        self.wire.sent.clear()
        return calls

    def read_units(self) -> float:
        return sum(float(units.get("CapacityUnits", 0)) for operation, units in self.consumed if operation == "Query")

    def write_units(self) -> float:
        """What the engine counts of the table alone, without its indexes."""
        return sum(_of_table(units) for operation, units in self.consumed if operation not in ("Query", "GetItem"))


def _of_table(units: dict[str, Any]) -> float:
    return float(units.get("Table", units).get("WriteCapacityUnits", units.get("Table", units).get("CapacityUnits", 0)))


def _open(url: str, clock: FakeClock, definition: Definition) -> Jobs:
    client = new_client(url)
    table = create_table(client)
    flow = Workflow(definitions(definition), TableStore(client, table), ledger=TableLedger(client, table), clock=clock)
    consumed: list[tuple[str, dict[str, Any]]] = []
    events = client.meta.events
    events.register("provide-client-params.dynamodb", _asking_for_units)
    events.register("after-call.dynamodb", lambda parsed, model, **_: consumed.extend(_told(model.name, parsed)))
    return Jobs(flow, client, table, Wire(client), consumed)


def _asking_for_units(params: dict[str, Any], **_: Any) -> dict[str, Any]:
    return params if "AttributeDefinitions" in params else {**params, "ReturnConsumedCapacity": "INDEXES"}


def _told(operation: str, parsed: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    consumed = parsed.get("ConsumedCapacity", [])
    return [(operation, one) for one in (consumed if isinstance(consumed, list) else [consumed])]


@pytest.fixture
def jobs(dynamodb_local_url: str, clock: FakeClock) -> Jobs:
    return _open(dynamodb_local_url, clock, JOB)


def _started_with(jobs: Jobs, waiting: int, running: int = 0) -> list[str]:
    """The calls of a look that starts one, with so many that run and wait beside it; somebody watches already."""
    jobs.add(*(f"{number:03d}" for number in range(waiting + running + 1)))
    jobs.look()
    jobs.flow.fire("job", "000", "finish")
    jobs.forget()
    assert jobs.look().started == 1
    return jobs.calls()


def test_a_start_by_the_lane_is_one_consistent_query_the_read_and_the_transaction(
    jobs: Jobs, tell_figure: TellFigure
) -> None:
    jobs.add("a", "b", "c")
    jobs.look()
    jobs.flow.fire("job", "a", "finish")
    jobs.forget()
    assert jobs.look() == Started(1, True)
    query, read, write = jobs.wire.sent
    assert jobs.calls() == ["Query", "GetItem", "TransactWriteItems"]
    assert (query.body["ConsistentRead"], read.body["ConsistentRead"]) == (True, True)
    assert "IndexName" not in query.body
    keys = [sk.partition("#")[0] for _, sk in written("TransactWriteItems", write.body)]
    assert keys == ["entity", "event", "waiting", "running"]
    assert jobs.read_units() == 1
    tell_figure("a start by the lane: 1 consistent query (1 read unit), 1 read, 1 transaction of 4 items")


@pytest.mark.parametrize(("limit", "waiting"), [(1, 500), (5, 200), (20, 200), (100, 300)])
def test_it_is_one_query_however_many_run_and_wait(
    dynamodb_local_url: str, clock: FakeClock, limit: int, waiting: int, tell_figure: TellFigure
) -> None:
    jobs = _open(dynamodb_local_url, clock, laned(limit=limit))
    assert _started_with(jobs, waiting, limit) == ["Query", "GetItem", "TransactWriteItems"]
    assert jobs.read_units() <= 1 + limit / 8
    tell_figure(f"a start with {limit} running and {waiting} waiting: 1 query of {jobs.read_units():g} read units")


def test_a_start_by_hand_is_one_query_more_than_a_plain_transition(jobs: Jobs) -> None:
    jobs.add("a")
    jobs.forget()
    jobs.flow.fire("job", "a", "start")
    assert jobs.calls() == ["GetItem", "Query", "TransactWriteItems"]


def test_coming_to_wait_and_leaving_are_no_call_more_than_a_plain_transition(jobs: Jobs) -> None:
    jobs.add("a")
    assert jobs.calls()[-1:] == ["TransactWriteItems"]
    jobs.look()
    jobs.forget()
    jobs.flow.fire("job", "a", "note")
    assert jobs.calls() == ["GetItem", "TransactWriteItems"]
    jobs.flow.fire("job", "a", "finish")
    assert jobs.calls() == ["GetItem", "TransactWriteItems"]


def test_a_look_at_a_full_lane_that_is_watched_is_one_query(jobs: Jobs) -> None:
    jobs.add("a", "b")
    jobs.look()
    assert jobs.calls()[-4:] == ["Query", "GetItem", "TransactWriteItems", "PutItem"]
    jobs.look()
    assert jobs.calls() == ["Query"]


@pytest.mark.parametrize("limit", [1, 4])
def test_several_free_slots_are_filled_with_one_query(dynamodb_local_url: str, clock: FakeClock, limit: int) -> None:
    jobs = _open(dynamodb_local_url, clock, laned(limit=limit))
    jobs.add(*"abcde"[:limit])
    jobs.forget()
    jobs.look()
    assert jobs.calls() == ["Query", *["GetItem", "TransactWriteItems"] * limit]


def _units_of(jobs: Jobs, fire: Callable[[], object]) -> float:
    jobs.forget()
    fire()
    return jobs.write_units()


def test_beyond_a_plain_transition_a_lane_writes_its_rows_and_nothing_else(
    jobs: Jobs, ministack_url: str, clock: FakeClock, tell_figure: TellFigure
) -> None:
    """On the engine that counts transactions as AWS does: two units for each kilobyte begun."""
    laned_jobs = _open(ministack_url, clock, JOB)
    plain = _open(ministack_url, clock, laned(JOB, waiting="failed", running="cancelled", trigger="retry"))
    told: dict[str, tuple[float, float]] = {}
    steps: list[tuple[str, Callable[[Jobs], object]]] = [
        ("create", lambda to: to.flow.create("job", "a", {"repository": "a"})),
        ("start", lambda to: to.look() if to is laned_jobs else to.flow.fire("job", "a", "start")),
        ("note", lambda to: to.flow.fire("job", "a", "note", {"note": "x"})),
        ("finish", lambda to: to.flow.fire("job", "a", "finish")),
    ]
    for name, take in steps:
        told[name] = tuple(_units_of(one, lambda one=one, take=take: take(one)) for one in (plain, laned_jobs))  # type: ignore[misc, assignment]
    assert told == {"create": (4, 6), "start": (4, 8), "note": (4, 4), "finish": (4, 6)}
    tell_figure("write units with a lane (without): " + ", ".join(f"{n} {b:g} ({a:g})" for n, (a, b) in told.items()))


def test_a_row_is_small(jobs: Jobs, tell_figure: TellFigure) -> None:
    jobs.add("a-rather-long-job-id-0123456789abcdef", repository="an-organisation/a-repository")
    key = {":pk": {"S": "lane#job#build#an-organisation/a-repository"}}
    (row,) = jobs.client.query(TableName=jobs.table, KeyConditionExpression="pk = :pk", ExpressionAttributeValues=key)[
        "Items"
    ]
    assert item_bytes(row) < 300
    assert "listed" not in row
    assert "due" not in row
    tell_figure(f"a row of a lane: {item_bytes(row)} bytes")


def test_a_sweep_of_a_lane_in_which_many_wait_does_not_read_them_all(
    jobs: Jobs, clock: FakeClock, tell_figure: TellFigure
) -> None:
    jobs.add(*(f"{number:03d}" for number in range(300)))
    jobs.look()
    clock.advance(61)
    jobs.forget()
    Sweeper(jobs.flow.runtime, workers=1).sweep(until=clock.now() + timedelta(minutes=1))
    calls = Counter(jobs.calls())
    assert calls["Query"] == 3 * due_items.DUE_SHARDS + 2
    assert calls["PutItem"] == 1
    assert calls["GetItem"] <= 60
    assert standing(jobs.flow.runtime.store)[0] == {1: "000"}
    tell_figure(f"a sweep of a lane with 300 waiting: 2 queries, {calls['GetItem']} reads, 1 write")
