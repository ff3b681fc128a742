"""Order and retry of a shard's records."""

from typing import Any

from workflow.local.pump.lanes import Delivered, Lane, ShardLanes, pack


def record(number: int, key: str = "order#1", padding: str = "") -> Delivered:
    change = {"Keys": {"pk": {"S": key}, "sk": {"S": "entity"}}, "SequenceNumber": str(number), "Pad": padding}
    return pack({"dynamodb": change})


def numbers(batch: Any) -> list[str]:
    return [one.sequence_number for one in batch]


def test_a_batch_is_the_oldest_records_up_to_the_batch_size() -> None:
    lane = Lane()
    lane.waiting.extend(record(n) for n in range(5))
    assert numbers(lane.take(3)) == ["0", "1", "2"]
    assert len(lane.waiting) == 5


def test_a_batch_stays_under_lambdas_payload_limit_but_never_gets_empty() -> None:
    lane = Lane()
    lane.waiting.extend(record(n, padding="x" * 2_500_000) for n in range(4))
    assert numbers(lane.take(100)) == ["0", "1"]
    lane.waiting.appendleft(record(9, padding="x" * 7_000_000))
    assert numbers(lane.take(100)) == ["9"]


def test_what_was_not_acknowledged_comes_again_first_and_later_each_time() -> None:
    lane = Lane()
    lane.waiting.extend(record(n) for n in range(3))

    lane.acknowledge(1, 3, now=100.0)
    assert (numbers(lane.waiting), lane.not_before) == (["1", "2"], 100.1)

    lane.acknowledge(0, 2, now=200.0)
    assert (numbers(lane.waiting), lane.not_before) == (["1", "2"], 200.2)

    for _ in range(30):
        lane.acknowledge(0, 2, now=300.0)
    assert lane.not_before == 310.0

    lane.acknowledge(2, 2, now=400.0)
    assert (numbers(lane.waiting), lane.not_before, lane.failures_in_a_row) == ([], 0.0, 0)


def test_a_lane_is_ready_when_it_has_work_and_is_neither_busy_nor_waiting_for_a_retry() -> None:
    lanes = ShardLanes(1, "pk")
    lane = lanes.lanes[0]
    assert lanes.ready(now=0) == []
    lanes.put([record(1)])
    assert lanes.ready(now=0) == [lane]
    lane.busy = True
    assert lanes.ready(now=0) == []
    lane.busy, lane.not_before = False, 5.0
    assert (lanes.ready(now=4.9), lanes.ready(now=5.0)) == ([], [lane])


def test_one_partition_key_keeps_to_one_lane_and_many_keys_use_all() -> None:
    lanes = ShardLanes(4, "pk")
    lanes.put(record(n, key=f"order#{n % 40}") for n in range(80))
    keys = [{one.record["dynamodb"]["Keys"]["pk"]["S"] for one in lane.waiting} for lane in lanes.lanes]
    assert all(keys)
    assert sum(len(held) for held in keys) == 40
    assert lanes.backlog() == 80
