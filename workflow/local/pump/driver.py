"""The loop that reads, filters, hands out batches and knows when nothing is left to do."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from types import TracebackType
from typing import Self

from workflow.aws.client import make_client
from workflow.aws.in_role import make_client_in_role
from workflow.event_source import Lane, Lanes, Next, Taken
from workflow.local.errors import NotIdleError, PumpError
from workflow.local.pump.delivery import Delivery, deliver_batch, give_up
from workflow.local.pump.destination import Destination
from workflow.local.pump.filters import Filter
from workflow.local.pump.mapping import Mapping, find_mapping, read_mapping
from workflow.local.pump.records import Delivered, pack
from workflow.local.pump.shards import Shard, StreamReader
from workflow.local.pump.tally import Counters, Tally
from workflow.local.pump.wire import to_wire
from workflow.local.stack import Stack

# Eager for a moment after something happened, because more tends to follow; then easy on the battery.
_EAGER_POLL_SECONDS = 0.01
_IDLE_POLL_SECONDS = 0.08
_EAGER_FOR_SECONDS = 1.0
# The end of an invocation wakes us: what polls meanwhile only takes the processor away from it.
_BUSY_POLL_SECONDS = 0.03
_FIND_SHARDS_SECONDS = 5.0
_LOOK_AT_MAPPING_SECONDS = 1.0
# Enough for every lane to be busy and to have its next batch at hand.
_BATCHES_AHEAD = 2
_MAX_THREADS = 16
_STOP_TIMEOUT_SECONDS = 5.0


class Pump:
    """Feeds a deployed function from its table's stream, in the background, between `with` and the end of its block.

    Delivery is at least once, in order per item, from the oldest record that the stream still has, until the mapping's
    own limits give a record up; nothing is read while the mapping is disabled or gone. The stream is read with the
    function's role, as Lambda does. `on_delivery` is called from the pump's threads after every invocation, and for
    records that are too old for one. Raises PumpError if the stack has no such mapping.
    """

    def __init__(self, stack: Stack, *, on_delivery: Callable[[Delivery], None] | None = None) -> None:
        self._functions = make_client("lambda", endpoint_url=stack.endpoint_url)
        self._on_delivery = on_delivery
        self._mapping = read_mapping(self._functions, stack.mapping_id)
        self._filter = Filter(self._mapping.patterns)
        self._destination = Destination(stack.endpoint_url)
        self._endpoint_url = stack.endpoint_url
        self._reader = self._new_reader(self._mapping)
        self._lanes: dict[str, Lanes[Delivered]] = {}
        self._read_for, self._is_there = self._mapping, True
        self._tally = Tally()
        self._executor = ThreadPoolExecutor(_MAX_THREADS, thread_name_prefix="pump-invoke")
        self._thread = threading.Thread(target=self._run, name="pump", daemon=True)
        self._out: list[Future[None]] = []
        self._wake = threading.Event()
        self._changed = threading.Condition()
        self._stopping = False
        self._waiters = 0
        self._quiet_since = 0.0
        self._last_sign_of_life = 0.0
        self._last_failure = ""
        self._error: Exception | None = None

    @property
    def counters(self) -> Counters:
        """What the pump has done so far."""
        return self._tally.snapshot()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Take no further batch; one that is out is waited for, for a few seconds at most."""
        self._stopping = True
        self._wake.set()
        self._thread.join(_STOP_TIMEOUT_SECONDS)
        wait(self._out, timeout=_STOP_TIMEOUT_SECONDS)
        self._executor.shutdown(wait=False, cancel_futures=True)

    def follow(self, stack: Stack) -> None:
        """Go on by the settings of the stack's mapping as it is now, from where the stream has been read to.

        Another number of lanes for shards already open takes a new pump.
        """
        mapping = read_mapping(self._functions, stack.mapping_id)
        self._mapping, self._filter = mapping, Filter(mapping.patterns)

    def _new_reader(self, mapping: Mapping) -> StreamReader:
        streams = make_client_in_role("dynamodbstreams", mapping.role_arn, endpoint_url=self._endpoint_url)
        return StreamReader(streams, mapping.stream_arn, mapping.starting_position)

    def _look_at_mapping(self) -> None:
        """Whoever disables the mapping, deletes it or makes it anew does so by AWS's calls, and tells us nothing."""
        mapping = find_mapping(self._functions, self._mapping)
        self._is_there = mapping is not None
        if mapping is None or mapping == self._mapping:
            return
        if (mapping.mapping_id, mapping.stream_arn) != (self._read_for.mapping_id, self._read_for.stream_arn):
            # As on AWS: a mapping made anew begins where it says, whatever another has read.
            self._reader, self._read_for, self._lanes = self._new_reader(mapping), mapping, {}
        self._mapping, self._filter = mapping, Filter(mapping.patterns)

    def wait_until_idle(self, *, timeout_seconds: float) -> None:
        """Return once everything written to the stream before and meanwhile was acknowledged or given up.

        Raises NotIdleError, with the last failure, after `timeout_seconds`; PumpError if the pump itself has ended.
        """
        asked_at = time.monotonic()
        with self._changed:
            self._waiters += 1
            self._wake.set()
            try:
                done = self._changed.wait_for(
                    lambda: self._error is not None or self._quiet_since >= asked_at, timeout_seconds
                )
            finally:
                self._waiters -= 1
        if self._error is not None:
            raise PumpError(f"the pump has ended: {self._error}") from self._error
        if not done:
            raise NotIdleError(self._busy_message(timeout_seconds))

    def _busy_message(self, timeout_seconds: float) -> str:
        if not self._is_reading:
            return f"not idle after {timeout_seconds:g} s: mapping {self._mapping.mapping_id} is disabled or deleted"
        waiting = sum(lanes.backlog() for lanes in self._lanes.values())
        reason = f"; last failure: {self._last_failure}" if self._last_failure else ""
        return f"not idle after {timeout_seconds:g} s: {waiting} records wait{reason}"

    def _run(self) -> None:
        try:
            next_look = next_look_at_mapping = 0.0
            while not self._stopping:
                self._wake.clear()
                started, was_idle = time.monotonic(), not self._is_busy()
                if started >= next_look_at_mapping:
                    self._look_at_mapping()
                    next_look_at_mapping = started + _LOOK_AT_MAPPING_SECONDS
                if not self._is_reading:
                    self._wake.wait(_LOOK_AT_MAPPING_SECONDS)
                    next_look = 0.0
                    continue
                if started >= next_look or (self._waiters and was_idle):
                    self._reader.find_shards()
                    next_look = started + _FIND_SHARDS_SECONDS
                self._pass(started, was_idle)
                self._wake.wait(self._pause())
        except Exception as error:
            self._fail(error)

    @property
    def _is_reading(self) -> bool:
        return self._is_there and self._mapping.is_enabled

    def _is_busy(self) -> bool:
        return any(lanes.backlog() for lanes in self._lanes.values())

    def _pass(self, started: float, was_idle: bool) -> None:
        read = [self._read(shard) for shard in self._reader.open_shards()]
        for shard_id, lanes in self._lanes.items():
            for lane in lanes.ready(self._mapping.settings, now=time.time()):
                self._send(shard_id, lane)
        if any(read):
            self._last_sign_of_life = started
        elif was_idle:
            # Only a pass that began with nothing out can be quiet: what a running function still writes comes later.
            with self._changed:
                self._quiet_since = started
                self._changed.notify_all()

    def _pause(self) -> float:
        if self._is_busy():
            return _BUSY_POLL_SECONDS
        if self._waiters or time.monotonic() - self._last_sign_of_life < _EAGER_FOR_SECONDS:
            return _EAGER_POLL_SECONDS
        return _IDLE_POLL_SECONDS

    def _read(self, shard: Shard) -> bool:
        lanes = self._lanes_of(shard)
        settings = self._mapping.settings
        if lanes.backlog() >= settings.batch_size * settings.parallelization_factor * _BATCHES_AHEAD:
            return True
        records = self._reader.read(shard)
        wire = [to_wire(record, self._mapping.stream_arn) for record in records]
        passed = [record for record in wire if self._filter.passes(record)]
        lanes.put((pack(record) for record in passed), now=time.time())
        self._tally.add(records_seen=len(wire), records_filtered=len(wire) - len(passed))
        if shard.iterator is None and not lanes.backlog():
            # Its children may open now, which is reason enough for another pass.
            shard.finished = True
            del self._lanes[shard.shard_id]
            return True
        return bool(records)

    def _lanes_of(self, shard: Shard) -> Lanes[Delivered]:
        if shard.shard_id not in self._lanes:
            self._lanes[shard.shard_id] = Lanes(self._mapping.settings.parallelization_factor)
        return self._lanes[shard.shard_id]

    def _send(self, shard_id: str, lane: Lane[Delivered]) -> None:
        # Taken here, not in the thread: this loop also puts records into the lane.
        taken = lane.take(self._mapping.settings, now=time.time())
        self._out = [future for future in self._out if not future.done()]
        self._out.append(self._executor.submit(self._deliver, shard_id, lane, taken))

    def _deliver(self, shard_id: str, lane: Lane[Delivered], taken: Taken[Delivered]) -> None:
        try:
            mapping, result = self._mapping, Next[Delivered]()
            if taken.discard is not None:
                self._note(give_up(self._destination, mapping, shard_id, taken.discard), invocations=0)
            if taken.batch.records:
                result, delivery = deliver_batch(self._functions, self._destination, mapping, shard_id, taken.batch)
                self._note(delivery, invocations=1)
            self._last_sign_of_life = time.monotonic()
            # Last: what is settled may be counted as idle.
            lane.settle(result, now=time.time())
            self._wake.set()
        except Exception as error:
            self._fail(error)

    def _note(self, delivery: Delivery, *, invocations: int) -> None:
        self._tally.add(
            invocations=invocations,
            failures=1 if invocations and delivery.failure else 0,
            records_acknowledged=delivery.acknowledged,
            records_discarded=delivery.discarded,
        )
        if delivery.failure:
            self._last_failure = delivery.failure
        if self._on_delivery is not None:
            self._on_delivery(delivery)

    def _fail(self, error: Exception) -> None:
        if self._stopping:
            return
        self._stopping = True
        with self._changed:
            self._error = error
            self._changed.notify_all()
        self._wake.set()
