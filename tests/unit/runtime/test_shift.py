"""Jobs that stop to have a part of them done together: who waits for whom, and for how long."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

import pytest

from tests.fakes.batches import SYNCED, Batching, named
from tests.samples import ORDER, entering
from workflow import Effect, hook
from workflow.aws.clock import SystemClock
from workflow.runtime.crew import Crew

SLOW_SECONDS = 1.0


def test_a_thousand_entities_on_sixteen_threads_are_each_synced_once() -> None:
    def take_a_moment(effects: Sequence[Effect]) -> None:
        time.sleep(0.002)

    batching = Batching(workers=16, clock=SystemClock(), answer=take_a_moment)
    batching.create(*named(1000))
    delivered = batching.deliver()
    assert sorted(one for batch in batching.batches for one in batch) == named(1000)
    assert (delivered.effects_done, delivered.effects_failed, delivered.failed) == (1000, 0, [])
    assert len(batching.batches) <= 20


def test_a_slow_hook_of_another_entity_holds_up_a_batch_for_a_moment_only() -> None:
    began: dict[str, float] = {}

    @hook
    def press(effect: Effect) -> None:
        began["press"] = time.monotonic()
        time.sleep(SLOW_SECONDS)

    def note(effects: Sequence[Effect]) -> None:
        began["sync"] = time.monotonic()

    # The slow one comes first, last, or in between: somebody is there for the batch.
    definition = entering(ORDER, placed=["sync"], cancelled=["press"])
    for slow in ("000", "002", "004"):
        batching = Batching(definition=definition, workers=16, clock=SystemClock(), others=[press], answer=note)
        batching.create(slow)
        batching.deliver()
        batching.flow.fire("order", slow, "cancel")
        batching.create(*(one for one in named(5) if one != slow))
        batching.batches.clear()
        batching.deliver()
        assert batching.sizes == [4]
        assert began["sync"] - began["press"] < SLOW_SECONDS / 2


def test_a_slow_batch_of_one_hook_holds_up_no_batch_of_another() -> None:
    began: dict[str, float] = {}

    @hook(batch=100)
    def index(effects: list[Effect]) -> None:
        began["index"] = time.monotonic()

    def be_slow(effects: Sequence[Effect]) -> None:
        began["sync"] = time.monotonic()
        time.sleep(SLOW_SECONDS)

    definition = entering(ORDER, placed=["sync"], cancelled=["index"])
    batching = Batching(definition=definition, workers=16, clock=SystemClock(), others=[index])
    batching.create("a", "b")
    batching.deliver()
    batching.answer = be_slow
    for one in "ab":
        batching.flow.fire("order", one, "cancel")
    batching.create("c", "d")
    batching.deliver()
    assert abs(began["index"] - began["sync"]) < SLOW_SECONDS / 2


def test_a_batch_does_not_wait_until_every_other_job_has_begun() -> None:
    began: list[str] = []

    @hook
    def press(effect: Effect) -> None:
        began.append("press")
        time.sleep(0.06)

    def note(effects: Sequence[Effect]) -> None:
        began.append("sync")

    definition = entering(ORDER, placed=["sync"], cancelled=["press"])
    batching = Batching(definition=definition, workers=2, clock=SystemClock(), others=[press], answer=note)
    batching.create(*named(20))
    batching.deliver()
    batching.create("a", "b")
    for one in named(20):
        batching.flow.fire("order", one, "cancel")
    began.clear()
    batching.deliver()
    assert sorted(batching.batches[-1]) == ["a", "b"]
    assert 2 <= began.index("sync") <= 10


def test_one_thread_alone_does_it_all() -> None:
    batching = Batching(size=3, workers=1, clock=SystemClock())
    batching.create(*named(7))
    assert batching.deliver().effects_done == 7
    assert batching.sizes == [3, 3, 1]


def test_ctrl_c_in_a_batch_ends_the_delivery_and_leaves_the_others_as_claimed() -> None:
    def stop(effects: Sequence[Effect]) -> None:
        raise KeyboardInterrupt

    for workers in (1, 16):
        batching = Batching(workers=workers, clock=SystemClock(), answer=stop)
        batching.create(*named(5))
        with pytest.raises(KeyboardInterrupt):
            batching.deliver()
        assert set(batching.statuses().values()) == {"owed"}


def test_jobs_that_never_stop_need_nobody_to_gather() -> None:
    done: list[int] = []
    lock = threading.Lock()

    def do(worker: object, job: int) -> None:
        time.sleep(0.001)
        with lock:
            done.append(job)

    took_part = Crew(4).work_off(range(200), object, do)
    assert sorted(done) == list(range(200))
    assert 1 < len(took_part) <= 4


def test_what_one_job_raises_reaches_whoever_asked_and_hangs_nobody() -> None:
    def do(worker: object, job: int) -> None:
        time.sleep(0.001)
        if job == 50:
            raise LookupError("share 50")

    with pytest.raises(LookupError, match="share 50"):
        Crew(4).work_off(range(100), object, do)


def test_a_worker_has_one_job_at_a_time_also_while_it_waits() -> None:
    batching = Batching(workers=8, clock=SystemClock(), definition=SYNCED)
    batching.create(*named(50))
    owners: set[str] = set()
    put = batching.store.ledger.put

    def note_owner(entry: object, found: object) -> object:
        owners.add(entry.owner)  # type: ignore[attr-defined]
        return put(entry, found)  # type: ignore[arg-type]

    batching.store.ledger.put = note_owner  # type: ignore[method-assign,assignment]
    batching.deliver()
    # Whoever waits in the same batch has an owner of its own.
    assert len(owners) == 50
    assert batching.sizes == [50]
