"""Many who start at once on real engines: never over the limit, nobody twice, nobody forgotten (promise 9)."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.engines import create_table, new_client
from tests.fakes.faults import Wire, conflict, lose_request, lose_response, pass_through
from tests.fakes.lanes import lane_of, standing
from tests.samples import definitions, laned
from workflow import Workflow
from workflow.aws.clock import SystemClock
from workflow.aws.ledger import TableLedger
from workflow.aws.table import TableStore
from workflow.errors import LaneFullError, Refused, Retryable
from workflow.runtime.start_waiting import Started, start_waiting

THREADS = 8
JOBS = 24


def _open(url: str, limit: int) -> tuple[Workflow, Wire]:
    client = new_client(url)
    table = create_table(client)
    store, ledger = TableStore(client, table), TableLedger(client, table)
    flow = Workflow(definitions(laned(limit=limit)), store, ledger=ledger, clock=SystemClock())
    return flow, Wire(client)


@pytest.fixture(params=["dynamodb_local", "ministack"])
def url(request: pytest.FixtureRequest) -> str:
    found: str = request.getfixturevalue(f"{request.param}_url")
    return found


def _at_once(work: Callable[[int], None], threads: int = THREADS) -> None:
    together = threading.Barrier(threads, timeout=30)

    def started(number: int) -> None:
        together.wait()
        work(number)

    with ThreadPoolExecutor(threads) as pool:
        for done in [pool.submit(started, number) for number in range(threads)]:
            done.result(timeout=120)


@pytest.mark.parametrize("limit", [1, 3])
def test_8_who_look_and_end_at_once_start_every_job_once_and_never_more_than_may(
    url: str, limit: int, tell_figure: Callable[[str], None]
) -> None:
    flow, wire = _open(url, limit)
    ids = [f"{number:02d}" for number in range(JOBS)]
    for entity_id in ids:
        flow.create("job", entity_id, {"repository": "a", "priority": -int(entity_id)})
    wire.sent.clear()
    slots: list[dict[int, str]] = []
    deadline = time.monotonic() + 60

    def work(number: int) -> None:
        while time.monotonic() < deadline:
            try:
                start_waiting(flow.runtime, lane_of())
                running, waiting = standing(flow.runtime.store)
                slots.append(running)
                if not running and not waiting:
                    return
                flow.fire("job", list(running.values())[number % len(running)], "finish") if running else None
            except (Refused, Retryable):
                continue

    _at_once(work)
    assert all(set(running) <= set(range(1, limit + 1)) for running in slots)
    assert standing(flow.runtime.store) == ({}, [])
    assert {event.trigger for entity_id in ids for event in flow.history("job", entity_id)} == {
        "create",
        "start",
        "finish",
    }
    assert all(len(flow.history("job", entity_id)) == 3 for entity_id in ids)
    starts = sorted(ids, key=lambda entity_id: flow.history("job", entity_id)[1].at)
    assert all(abs(turn - int(entity_id)) <= limit for turn, entity_id in enumerate(starts))
    transactions = wire.operations().count("TransactWriteItems")
    tell_figure(f"8 at one lane, limit {limit}: {transactions / JOBS:.1f} transactions a job (2 without contention)")


def test_of_8_who_start_by_hand_as_many_as_may_do_and_the_others_are_told(url: str) -> None:
    flow, _ = _open(url, 3)
    for number in range(THREADS):
        flow.create("job", str(number), {"repository": "a"})
    refused: list[LaneFullError] = []

    def start(number: int) -> None:
        try:
            flow.fire("job", str(number), "start")
        except LaneFullError as error:
            refused.append(error)

    _at_once(start)
    running, waiting = standing(flow.runtime.store)
    assert (sorted(running), len(set(running.values())), len(waiting)) == ([1, 2, 3], 3, THREADS - 3)
    assert len(refused) == THREADS - 3


def test_those_that_come_while_others_start_are_not_forgotten(url: str) -> None:
    """Each who comes looks after itself, as the stream would: at rest no slot is free beside one that waits."""
    flow, _ = _open(url, 4)

    def come(number: int) -> None:
        for turn in range(3):
            flow.create("job", f"{number}-{turn}", {"repository": "a"})
            _look(flow)

    _at_once(come)
    running, waiting = standing(flow.runtime.store)
    assert (sorted(running), len(waiting)) == ([1, 2, 3, 4], THREADS * 3 - 4)
    assert flow.runtime.store.lane(lane_of(), waiting=0).watched is not None


def _look(flow: Workflow) -> None:
    while True:
        try:
            start_waiting(flow.runtime, lane_of())
            return
        except Retryable:
            # As a record of the stream comes again.
            continue


@pytest.mark.parametrize("fault", [lose_request, lose_response, conflict])
def test_a_start_whose_transaction_met_the_network_is_made_once(dynamodb_local_url: str, fault: object) -> None:
    flow, wire = _open(dynamodb_local_url, 1)
    flow.create("job", "a", {"repository": "a"})
    flow.create("job", "b", {"repository": "a"})
    wire.fail(fault, pass_through)  # type: ignore[arg-type]
    assert start_waiting(flow.runtime, lane_of()) == Started(1, True)
    assert standing(flow.runtime.store) == ({1: "a"}, ["b"])
    assert len(flow.history("job", "a")) == 2
    assert len(set(wire.tokens()[-2:])) == 1
