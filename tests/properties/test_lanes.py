"""Lanes: nobody who waits is starved by whoever is more urgent, and the queue's order is what is promised."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.simulation.scenarios import QUEUED
from workflow.definition.definition import Definition, Definitions
from workflow.engine.place import LaneKey
from workflow.runtime.ask import Ask
from workflow.runtime.fire import create, fire
from workflow.runtime.hooks import Hooks
from workflow.runtime.runtime import Runtime
from workflow.runtime.start_waiting import start_waiting
from workflow.testing import MemoryClock, MemoryStore

_LANE = LaneKey("queued", "build", "red")


def _aged(seconds: int) -> Definitions:
    (definition,) = QUEUED
    lanes = {**definition.lanes, "build": replace(definition.lanes["build"], ageing_seconds=seconds)}
    aged: Definition = replace(definition, lanes=lanes)
    return Definitions((aged,))


class Arrival(NamedTuple):
    """Somebody comes to wait, so many seconds after whoever came before, so urgent."""

    seconds: int
    priority: int


_ARRIVALS = st.lists(st.builds(Arrival, st.integers(0, 90), st.integers(-5, 50)), min_size=1, max_size=25)
_AGEINGS = st.integers(1, 600)


class _Queue:
    """A lane that runs one at a time; each of them is over when the next one is to be started."""

    def __init__(self, ageing_seconds: int) -> None:
        self.clock, self.store = MemoryClock(), MemoryStore()
        self.runtime = Runtime(_aged(ageing_seconds), Hooks(), self.store, self.store.ledger, self.clock)
        self.came_at: dict[str, float] = {}
        self.priority: dict[str, int] = {}
        self.order: list[str] = []
        self.now = 0.0

    def arrive(self, arrival: Arrival) -> str:
        self.now += arrival.seconds
        self.clock.advance(arrival.seconds)
        name = str(len(self.came_at))
        create(self.runtime, Ask("queued", name, "create", {"repository": "red", "priority": arrival.priority}))
        self.came_at[name], self.priority[name] = self.now, arrival.priority
        return name

    def next(self) -> None:
        for row in self.store.lane(_LANE, waiting=0).running:
            fire(self.runtime, Ask("queued", row.entity_id, "pass"))
        start_waiting(self.runtime, _LANE)
        self.order += [row.entity_id for row in self.store.lane(_LANE, waiting=0).running]

    def overtook(self, name: str) -> Sequence[str]:
        """Who came after it and was started before it."""
        before = self.order[: self.order.index(name)] if name in self.order else self.order
        return [other for other in before if int(other) > int(name)]


@given(_ARRIVALS, _AGEINGS, st.integers(1, 3))
@settings(max_examples=60, deadline=None)
def test_one_who_waits_is_overtaken_only_by_whose_urgency_outweighs_the_wait(
    arrivals: list[Arrival], ageing: int, each: int
) -> None:
    queue = _Queue(ageing)
    for number, arrival in enumerate(arrivals):
        queue.arrive(arrival)
        if number % each == 0:
            queue.next()
    for name in queue.came_at:
        for other in queue.overtook(name):
            waited = queue.came_at[other] - queue.came_at[name]
            assert (queue.priority[other] - queue.priority[name]) * ageing >= waited


@given(st.integers(1, 50), _AGEINGS, st.integers(1, 60))
@settings(max_examples=40, deadline=None)
def test_under_endless_arrivals_of_more_urgent_ones_the_first_is_started_after_the_wait_that_outweighs_them(
    urgency: int, ageing: int, seconds: int
) -> None:
    queue = _Queue(ageing)
    queue.arrive(Arrival(0, 0))
    # Each start meets a newer and more urgent one, for ever: no more of them come first than fit into that wait.
    bound = min(urgency * ageing // seconds + 2, 200)
    gap = max(seconds, -(-urgency * ageing // (bound - 1)))
    for _ in range(bound):
        queue.arrive(Arrival(gap, urgency))
        queue.next()
    assert "0" in queue.order
    assert len(queue.overtook("0")) <= urgency * ageing // gap


@given(_ARRIVALS)
@settings(max_examples=40, deadline=None)
def test_a_change_while_it_waits_costs_nobody_the_age_that_it_has(arrivals: list[Arrival]) -> None:
    queue = _Queue(60)
    for arrival in arrivals:
        queue.arrive(arrival._replace(seconds=arrival.seconds + 1, priority=0))
    queue.clock.advance(timedelta(hours=1).total_seconds())
    for name in queue.came_at:
        fire(queue.runtime, Ask("queued", name, "hurry", {"priority": 7}))
    for _ in arrivals:
        queue.next()
    assert queue.order == sorted(queue.came_at, key=int)
