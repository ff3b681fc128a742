"""Order and retry of a shard's records."""

from __future__ import annotations

import itertools

import pytest

from tests.unit.event_source.records import Record, numbered, numbers
from workflow.event_source import Answer, Condition, Discard, Lane, Lanes, Next, Settings, after_invocation

PLAIN = Settings()


def filled(count: int, *, now: float = 0.0) -> Lane[Record]:
    lane: Lane[Record] = Lane()
    for record in numbered(*range(count)):
        lane.put(record, now=now)
    return lane


def test_a_batch_is_the_oldest_records_up_to_the_batch_size_and_counts_until_it_is_settled() -> None:
    lane = filled(5)
    taken = lane.take(Settings(batch_size=3), now=0)
    assert (numbers(taken.batch.records), taken.discard, lane.backlog) == ([0, 1, 2], None, 5)
    lane.settle(Next(taken.batch.records), now=0)
    assert (lane.backlog, numbers(lane.take(PLAIN, now=0).batch.records)) == (2, [3, 4])


@pytest.mark.parametrize(
    ("sizes", "taken"), [([2_500_000] * 4, [0, 1]), ([7_000_000, 1], [0]), ([3_000_000] * 2, [0, 1])]
)
def test_a_batch_stays_under_lambdas_payload_limit_but_is_never_empty(sizes: list[int], taken: list[int]) -> None:
    lane: Lane[Record] = Lane()
    for number, size in enumerate(sizes):
        lane.put(Record(number, size_bytes=size), now=0)
    assert numbers(lane.take(PLAIN, now=0).batch.records) == taken


def test_what_is_to_come_again_does_so_in_its_pieces_before_anything_newer() -> None:
    lane, settings = filled(6), Settings(batch_size=4, bisects_on_error=True)
    sent: list[list[int]] = []
    for now in itertools.count(step=100):
        if lane.ready_at(settings) is None:
            break
        batch = lane.take(settings, now=now).batch
        sent.append(numbers(batch.records))
        answer = Answer(0, "Unhandled") if len(sent) in (1, 2) else Answer(len(batch.records))
        lane.settle(after_invocation(batch, answer, settings, now=now), now=now)
    assert sent == [[0, 1, 2, 3], [0, 1], [0], [1], [2, 3], [4, 5]]


def test_a_lane_is_ready_when_it_has_work_and_is_neither_out_nor_waiting_for_a_retry() -> None:
    lanes: Lanes[Record] = Lanes(1)
    (lane,) = lanes.lanes
    assert (lanes.ready(PLAIN, now=1), lanes.next_ready_at(PLAIN)) == ([], None)
    lanes.put(numbered(1), now=0)
    assert (lanes.ready(PLAIN, now=1), lanes.next_ready_at(PLAIN)) == ([lane], 0)
    batch = lane.take(PLAIN, now=1).batch
    lanes.put(numbered(2), now=1)
    assert (lanes.ready(PLAIN, now=1), lanes.next_ready_at(PLAIN)) == ([], None)
    lane.settle(after_invocation(batch, Answer(0), PLAIN, now=5), now=5)
    assert lanes.next_ready_at(PLAIN) == 5.1
    assert (lanes.ready(PLAIN, now=5.09), lanes.ready(PLAIN, now=5.1)) == ([], [lane])


def test_a_batch_waits_for_its_window_unless_it_is_full() -> None:
    settings = Settings(batch_size=3, batching_window_seconds=10)
    lane = filled(2, now=5)
    assert lane.ready_at(settings) == 15
    lane.put(Record(2), now=8)
    assert lane.ready_at(settings) == 5
    lane.put(Record(3), now=9)

    # The next window opens when the function is done, not when its first record came.
    lane.settle(Next(lane.take(settings, now=9).batch.records), now=20)
    assert lane.ready_at(settings) == 30

    # Nor does it open while nothing waits.
    lane.settle(Next(lane.take(settings, now=30).batch.records), now=31)
    lane.put(Record(4), now=100)
    assert lane.ready_at(settings) == 110


def test_a_batch_that_a_payload_holds_no_more_of_is_full() -> None:
    lane, settings = Lane[Record](), Settings(batching_window_seconds=10)
    lane.put(Record(0, size_bytes=5_000_000), now=0)
    assert lane.ready_at(settings) == 10
    lane.put(Record(1, size_bytes=5_000_000), now=1)
    assert lane.ready_at(settings) == 0


def test_a_retry_waits_for_its_pause_and_not_for_a_window() -> None:
    lane, settings = filled(1), Settings(batching_window_seconds=10)
    lane.settle(after_invocation(lane.take(settings, now=10).batch, Answer(0), settings, now=11), now=11)
    assert lane.ready_at(settings) == 11.1


def test_what_grew_too_old_while_it_waited_is_handed_out_apart_and_counts_until_it_is_settled() -> None:
    lane: Lane[Record] = Lane()
    old, young = Record(1, arrived_at=0.0), Record(2, arrived_at=50.0)
    lane.put(old, now=0)
    lane.put(young, now=50)
    taken = lane.take(Settings(maximum_record_age_seconds=60), now=61)
    assert (taken.batch.records, taken.discard) == ((young,), Discard((old,), Condition.RECORD_AGE_EXCEEDED, 0))
    assert lane.backlog == 2
    lane.settle(Next(taken.batch.records), now=61)
    assert lane.backlog == 0


def test_a_batch_that_is_too_old_altogether_leaves_nothing_to_invoke_with() -> None:
    lane = filled(2)
    taken = lane.take(Settings(maximum_record_age_seconds=60), now=61)
    assert (taken.batch.records, taken.discard and numbers(taken.discard.records)) == ((), [0, 1])


def test_one_item_keeps_to_one_lane_and_many_use_all() -> None:
    lanes: Lanes[Record] = Lanes(4)
    lanes.put((Record(number, key=f"order#{number % 40}") for number in range(80)), now=0)
    keys = [{record.key for record in lane.take(PLAIN, now=0).batch.records} for lane in lanes.lanes]
    assert all(keys)
    assert sum(len(held) for held in keys) == 40
    assert lanes.backlog() == 80
