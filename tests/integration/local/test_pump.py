"""From a write to the table to an acknowledged invocation."""

from __future__ import annotations

import time
from typing import Any

import pytest

from workflow.aws.client import make_client
from workflow.local.errors import NotIdleError
from workflow.local.pump import Counters, Delivery, Pump
from workflow.local.stack import Stack


def write(stack: Stack, entity_id: str, *, sk: str = "entity", **values: str) -> None:
    item = {"pk": {"S": f"order#{entity_id}"}, "sk": {"S": sk}, "id": {"S": entity_id}}
    table = make_client("dynamodb", endpoint_url=stack.endpoint_url)
    table.put_item(TableName=stack.table_name, Item=item | {name: {"S": value} for name, value in values.items()})


def seen(deliveries: list[Delivery]) -> list[list[Any]]:
    return [[record["dynamodb"]["Keys"]["pk"]["S"] for record in delivery.records] for delivery in deliveries]


def started(pump: Pump) -> Counters:
    pump.wait_until_idle(timeout_seconds=10)
    return pump.counters


def since(before: Counters, now: Counters) -> Counters:
    return Counters(
        now.records_seen - before.records_seen,
        now.records_filtered - before.records_filtered,
        now.records_acknowledged - before.records_acknowledged,
        now.invocations - before.invocations,
        now.failures - before.failures,
        now.records_discarded - before.records_discarded,
    )


def test_only_what_the_filter_lets_through_is_delivered_and_idle_means_acknowledged(stack: Stack) -> None:
    deliveries: list[Delivery] = []
    with Pump(stack, on_delivery=deliveries.append) as pump:
        before = started(pump)
        deliveries.clear()
        write(stack, "1")
        write(stack, "1", sk="event#1")
        pump.wait_until_idle(timeout_seconds=10)

        assert since(before, pump.counters) == Counters(2, 1, 1, 1, 0)
        assert seen(deliveries) == [["order#1"]]
        assert "SAW 1 1" in deliveries[0].log


def test_a_reported_failure_brings_the_rest_of_the_batch_again_and_nothing_before_it(stack: Stack) -> None:
    deliveries: list[Delivery] = []
    for entity_id, wish in (("1", ""), ("2", "fail once"), ("3", "")):
        write(stack, entity_id, wish=wish)
    with Pump(stack, on_delivery=deliveries.append) as pump:
        pump.wait_until_idle(timeout_seconds=10)

    last = seen(deliveries)
    assert last[-1] == ["order#2", "order#3"]
    assert last[-2][-3:] == ["order#1", "order#2", "order#3"]
    assert [delivery.acknowledged for delivery in deliveries[-2:]] == [len(last[-2]) - 2, 2]


def test_a_function_that_broke_gets_the_batch_again_and_the_reason_is_told(stack: Stack) -> None:
    with Pump(stack) as pump:
        before = started(pump)
        write(stack, "1", wish="raise", until=str(time.time() + 0.7))
        with pytest.raises(NotIdleError) as refused:
            pump.wait_until_idle(timeout_seconds=0.5)
        pump.wait_until_idle(timeout_seconds=10)
        after = since(before, pump.counters)
    assert str(refused.value).startswith("not idle after 0.5 s: 1 records wait; last failure: ")
    assert str(refused.value).endswith("the handler broke")
    assert (after.records_acknowledged, after.invocations) == (1, after.failures + 1)


def test_a_batch_that_fails_again_and_again_waits_longer_each_time(stack: Stack) -> None:
    with Pump(stack) as pump:
        before = started(pump)
        write(stack, "1", wish="refuse", until=str(time.time() + 1.2))
        pump.wait_until_idle(timeout_seconds=10)
        after = since(before, pump.counters)
    # After 0, 0.1, 0.3, 0.7 and 1.5 s, where a hot loop would have come to a dozen or more.
    assert after.records_acknowledged == 1
    assert 2 <= after.invocations <= 6


def test_a_write_reaches_an_idle_function_soon(stack: Stack) -> None:
    arrived: list[float] = []

    def note(delivery: Delivery) -> None:
        arrived.append(time.monotonic() - delivery.duration_ms / 1000)

    with Pump(stack, on_delivery=note) as pump:
        started(pump)
        time.sleep(1.2)
        arrived.clear()
        written = time.monotonic()
        write(stack, "1")
        while not arrived and time.monotonic() < written + 5:
            time.sleep(0.005)
    # Ten times what it takes: this guards against a lost wake-up, the bench measures.
    assert arrived
    assert arrived[0] - written < 1.0


def test_a_stopping_pump_lets_the_batch_that_is_out_come_back(stack: Stack) -> None:
    deliveries: list[Delivery] = []
    with Pump(stack, on_delivery=deliveries.append) as pump:
        before = started(pump)
        deliveries.clear()
        write(stack, "1", wish="sleep")
        while pump.counters.records_seen == before.records_seen:
            time.sleep(0.01)
        time.sleep(0.1)
        assert deliveries == []
    assert [delivery.acknowledged for delivery in deliveries] == [1]
