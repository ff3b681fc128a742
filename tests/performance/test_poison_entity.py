"""One poison entity among a thousand: it is put aside, and nobody else waits for it (promise 6)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta

from tests.fakes.clock import FakeClock
from tests.samples import ORDER, definitions, entering
from workflow import Effect, Workflow, hook
from workflow.runtime.deliver import Deliverer
from workflow.runtime.retries import LONGEST_WAIT_IN_PLACE_SECONDS, WAITS_IN_PLACE
from workflow.runtime.sweep import Sweeper
from workflow.testing import MemoryStore

_ENTITIES = 1000
_POISON = "500"
_BATCH = 100
_MINUTE = timedelta(minutes=1)


class _Shop:
    def __init__(self) -> None:
        self.clock, self.store = FakeClock(), MemoryStore()
        self.mended = False
        self.settled_at: dict[str, datetime] = {}
        self.runs: Counter[str] = Counter()

        @hook
        def greet(effect: Effect) -> None:
            self.runs[effect.id] += 1
            if effect.id == _POISON and not self.mended:
                raise ValueError("poison")
            self.settled_at[effect.id] = self.clock.now()

        self.flow = Workflow(
            definitions(entering(ORDER, placed=["greet"])), self.store, handlers=[greet], clock=self.clock
        )

    def sweep_for(self, minutes: int) -> Counter[tuple[str, str]]:
        sweeper, for_people = Sweeper(self.flow.runtime, workers=1), Counter[tuple[str, str]]()
        for _ in range(minutes):
            self.clock.advance(60)
            for_people += sweeper.sweep(until=self.clock.now() + _MINUTE).for_people
        return for_people


def test_one_poison_entity_in_a_thousand_delays_no_other_by_more_than_a_retry_cycle(
    tell_figure: Callable[[str], None],
) -> None:
    shop = _Shop()
    for number in range(_ENTITIES):
        shop.flow.create("order", str(number))
    deliverer, started = Deliverer(shop.flow.runtime, workers=1), shop.clock.now()
    changes = shop.store.changes()
    for first in range(0, _ENTITIES, _BATCH):
        assert deliverer.deliver(changes[first : first + _BATCH], until=shop.clock.now() + _MINUTE).failed == []

    assert len(shop.settled_at) == _ENTITIES - 1
    longest = max(settled - started for settled in shop.settled_at.values())
    tell_figure(f"one poison entity in {_ENTITIES:,}: no other later than {longest.total_seconds():g} s")
    assert longest <= timedelta(seconds=LONGEST_WAIT_IN_PLACE_SECONDS * WAITS_IN_PLACE)

    assert shop.sweep_for(minutes=60) == {("order", "greet"): 1}
    (aside,) = shop.flow.operations.parked()
    assert (aside.entity_id, aside.parked and (aside.parked.why, aside.parked.error)) == (
        _POISON,
        ("attempts", "ValueError: poison"),
    )

    shop.mended = True
    shop.flow.operations.redrive("order", _POISON)
    assert shop.sweep_for(minutes=1) == {}
    assert len(shop.settled_at) == _ENTITIES
    assert {entity: runs for entity, runs in shop.runs.items() if runs != 1} == {_POISON: 9}
