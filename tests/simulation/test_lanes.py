"""Lanes, where two who act meet at one moment."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from greenlet import GreenletExit  # type: ignore[import-untyped]

from tests.simulation.scenarios import QUEUED
from workflow.engine.place import LaneKey
from workflow.runtime.ask import Ask
from workflow.runtime.fire import create, fire
from workflow.runtime.hooks import Hooks
from workflow.runtime.lane_ports import LaneState
from workflow.runtime.reconcile import Reconciler
from workflow.runtime.runtime import Runtime
from workflow.runtime.start_waiting import Started, start_waiting
from workflow.runtime.sweep_lane import sweep_lane
from workflow.testing import MemoryClock, MemoryStore


class _Interrupted(MemoryStore):
    """After the next look at a lane, somebody does something."""

    def __init__(self) -> None:
        super().__init__()
        self.then: Callable[[], object] | None = None

    def lane(self, lane: LaneKey, *, waiting: int) -> LaneState:
        found = super().lane(lane, waiting=waiting)
        then, self.then = self.then, None
        if then:
            then()
        return found


def _ask(entity_id: str, trigger: str, **payload: object) -> Ask:
    return Ask("queued", entity_id, trigger, payload)


def test_who_changes_queues_after_the_look_neither_jumps_the_other_one_nor_takes_a_slot_there() -> None:
    store, hooks = _Interrupted(), Hooks()
    hooks.limits = {"deploys": {"red": 2, "blue": 1}.__getitem__}
    runtime = Runtime(QUEUED, hooks, store, store.ledger, MemoryClock())
    for entity_id, repository in (("runs", "blue"), ("first", "red"), ("moves", "red"), ("waits", "blue")):
        create(runtime, _ask(entity_id, "create", repository=repository))
        fire(runtime, _ask(entity_id, "skip"))
    red, blue = LaneKey("queued", "deploy", "red"), LaneKey("queued", "deploy", "blue")
    assert start_waiting(runtime, blue).started == 1
    store.then = lambda: fire(runtime, _ask("moves", "move", repository="blue"))
    assert start_waiting(runtime, red).started == 1
    assert [row.entity_id for row in store.lane(blue, waiting=9).running] == ["runs"]
    assert {row.entity_id for row in store.lane(blue, waiting=9).waiting} == {"waits", "moves"}
    assert [row.entity_id for row in store.lane(red, waiting=9).running] == ["first"]


def test_who_changes_between_the_look_and_the_start_is_looked_at_again() -> None:
    store = _Interrupted()
    runtime = Runtime(QUEUED, Hooks(), store, store.ledger, MemoryClock())
    create(runtime, _ask("1", "create", repository="red"))

    def hold_once() -> None:
        fire(runtime, _ask("1", "hurry", priority=7))

    found, store.find_entity = store.find_entity, None  # type: ignore[method-assign, assignment]
    calls = iter([hold_once])

    def find(kind: str, entity_id: str) -> object:
        entity = found(kind, entity_id)
        for call in calls:
            store.find_entity = found  # type: ignore[method-assign]
            call()
        return entity

    store.find_entity = find  # type: ignore[method-assign, assignment]
    assert start_waiting(runtime, LaneKey("queued", "build", "red")).started == 1
    entity = store.find_entity("queued", "1")
    assert entity is not None
    assert (entity.state, entity.version, entity.data["priority"]) == ("active", 3, 7)


def test_a_sweeper_that_ends_while_it_lets_go_of_a_lane_leaves_nobody_unwatched() -> None:
    store = _Interrupted()
    runtime = Runtime(QUEUED, Hooks(), store, store.ledger, MemoryClock())
    lane = LaneKey("queued", "build", "red")
    create(runtime, _ask("runs", "create", repository="red"))
    assert start_waiting(runtime, lane) == Started(1, False)
    store.watch_lane(lane, None, runtime.clock.now())

    def come_and_wait() -> None:
        create(runtime, _ask("waits", "create", repository="red"))
        assert start_waiting(runtime, lane) == Started(0, True)
        store.then = end

    def end() -> None:
        raise GreenletExit

    def after_the_look() -> None:
        store.then = come_and_wait

    store.then = after_the_look
    with pytest.raises(GreenletExit):
        sweep_lane(runtime, next(iter(store.watched_lanes(runtime.clock.now()))))
    assert [watched.lane for watched in store.watched_lanes(runtime.clock.now() + timedelta(minutes=10))] == [lane]


def test_whoever_is_put_back_among_those_that_wait_is_watched_also_in_a_lane_that_was_mended_before() -> None:
    store, hooks = MemoryStore(), Hooks()
    hooks.limits = {"deploys": lambda key: 2}
    runtime = Runtime(QUEUED, hooks, store, store.ledger, MemoryClock())
    lane = LaneKey("queued", "deploy", "red")
    for entity_id in ("1", "2"):
        create(runtime, _ask(entity_id, "create", repository="red"))
        fire(runtime, _ask(entity_id, "skip"))
    fire(runtime, _ask("2", "deploy"))
    (lost,) = store.lane(lane, waiting=9).waiting
    store.remove_from_lane(lane, lost)
    Reconciler(runtime, store.records).reconcile(workers=1)
    assert store.lane(lane, waiting=9).waiting == [lost]
    assert [watched.lane for watched in store.watched_lanes(runtime.clock.now() + timedelta(minutes=2))] == [lane]
