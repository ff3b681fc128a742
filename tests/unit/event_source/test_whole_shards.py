"""Whatever a function answers, no record of a shard is lost, doubled or overtaken."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from tests.unit.event_source.records import Record
from workflow.event_source import NOT_INVOKED, Answer, Lane, Lanes, Settings, after_invocation

MOST_RECORDS, KEYS = 24, 4

settings_of = st.builds(
    Settings,
    batch_size=st.integers(1, 10),
    batching_window_seconds=st.sampled_from([0.0, 3.0]),
    parallelization_factor=st.integers(1, 3),
    maximum_retry_attempts=st.integers(0, 3),
    maximum_record_age_seconds=st.none() | st.sampled_from([1.0, 20.0]),
    bisects_on_error=st.booleans(),
)


class Shard:
    """A shard's lanes in virtual time, and what became of each record."""

    def __init__(self, settings: Settings, records: list[Record]) -> None:
        self.settings = settings
        self.lanes: Lanes[Record] = Lanes(settings.parallelization_factor)
        self.lanes.put(records, now=0.0)
        self.over: list[Record] = []
        self.sent: list[tuple[Record, ...]] = []
        self.now = 0.0

    def run(self, answers: st.DataObject) -> None:
        while (at := self.lanes.next_ready_at(self.settings)) is not None:
            self.now = max(self.now, at)
            for lane in self.lanes.ready(self.settings, now=self.now):
                self.step(lane, answers)

    def step(self, lane: Lane[Record], answers: st.DataObject) -> None:
        taken = lane.take(self.settings, now=self.now)
        if taken.discard is not None:
            self.over.extend(taken.discard.records)
        answer = self.answer(taken.batch.records, answers)
        result = after_invocation(taken.batch, answer, self.settings, now=self.now)
        self.over.extend(result.done)
        self.over.extend(result.discard.records if result.discard else ())
        assert sum((batch.records for batch in result.again), ()) == self.left(taken.batch.records)
        lane.settle(result, now=self.now)

    def left(self, records: tuple[Record, ...]) -> tuple[Record, ...]:
        return tuple(record for record in records if record not in self.over)

    def answer(self, records: tuple[Record, ...], answers: st.DataObject) -> Answer:
        if not records:
            return NOT_INVOKED
        self.sent.append(records)
        return Answer(answers.draw(st.integers(0, len(records))))


@given(settings_of, st.lists(st.integers(0, KEYS - 1), max_size=MOST_RECORDS), st.data())
def test_every_record_is_once_done_or_given_up_in_the_order_of_its_item_after_a_bounded_number_of_invocations(
    settings: Settings, keys: list[int], data: st.DataObject
) -> None:
    records = [Record(number, key=str(key), arrived_at=0.0) for number, key in enumerate(keys)]
    shard = Shard(settings, records)

    shard.run(data)

    assert sorted(shard.over, key=lambda record: record.number) == records
    for key in {record.key for record in records}:
        ended = [record.number for record in shard.over if record.key == key]
        assert ended == sorted(ended)
    assert all(len(batch) <= settings.batch_size for batch in shard.sent)
    assert len(shard.sent) <= most_invocations(settings, len(records))


def most_invocations(settings: Settings, count: int) -> int:
    """Each batch its attempts; with bisect, each record its own, and each split one more."""
    attempts = 1 + (settings.maximum_retry_attempts or 0)
    if settings.bisects_on_error:
        return count * attempts + max(count - 1, 0)
    lanes = settings.parallelization_factor
    return (math.ceil(count / settings.batch_size) + lanes) * attempts
