"""Batched hooks in the simulator: stand-ins and own ones are called with several effects, and die in the middle."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.fakes.uses import using
from tests.samples import ORDER, entering
from tests.simulation.scenarios import get_scenario
from workflow import Definitions, Effect, hook
from workflow.definition.definition import Retry
from workflow.testing import simulate
from workflow.testing.simulation import run_seeds, tell_seed
from workflow.testing.simulation.batches import StandInBatch

SYNCED = Definitions((using(entering(ORDER, placed=["sync"], paid=["sync"]), retry=Retry(attempts=20)),))


def test_every_promise_is_kept_where_hooks_take_several_effects(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = Counter[int]()
    original = StandInBatch.__call__

    def counted(self: StandInBatch, effects: list[Effect]) -> object:
        sizes[len(effects)] += 1
        return original(self, effects)

    monkeypatch.setattr(StandInBatch, "__call__", counted)
    report, story = run_seeds(get_scenario("batches"), range(120), replay_with="make sim SCENARIO=batches SEED={seed}")
    assert story == ""
    assert report.effects > 60
    assert sum(count for size, count in sizes.items() if size > 1) > 50


def test_the_same_seed_tells_the_same_story_of_batches() -> None:
    told = [tell_seed(get_scenario("batches"), seed) for seed in range(15)]
    assert [tell_seed(get_scenario("batches"), seed) for seed in range(15)] == told


def test_users_simulate_their_own_batched_hooks() -> None:
    synced: list[str] = []
    sizes: set[int] = set()

    @hook(batch=2)
    def sync(effects: list[Effect]) -> dict[str, Exception]:
        sizes.add(len(effects))
        bad = [effect for effect in effects if effect.attempt == 1 and effect.version % 2]
        synced.extend(effect.key for effect in effects if effect not in bad)
        return {effect.key: LookupError("not yet") for effect in bad}

    report = simulate(SYNCED, [sync], schedules=150)
    assert sizes == {1, 2}
    runs = report.hooks["sync"]
    assert (runs.well > 0, runs.errors["LookupError"] > 0) == (True, True)
    assert report.faults["hook crash before"] > 0
    assert report.faults["hook crash after"] > 0
    # More runs than effects, for some were cut off after a part of their batch.
    assert len(synced) > len(set(synced))


def test_a_batched_hook_that_loses_an_effect_is_told() -> None:
    synced: list[str] = []
    owed: set[str] = set()

    @hook(batch=3)
    def sync(effects: list[Effect]) -> None:
        owed.update(effect.key for effect in effects)
        synced.extend(effect.key for effect in effects[:1])

    def nothing_is_lost() -> None:
        assert owed <= set(synced), "an effect was lost"

    def reset() -> None:
        synced.clear()
        owed.clear()

    with pytest.raises(AssertionError, match="your own check:\n  an effect was lost"):
        simulate(SYNCED, [sync], schedules=200, before_each=reset, check=nothing_is_lost)
