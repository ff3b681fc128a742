"""The shipped stories, played with their own hooks: no promise is broken, and none of the rules of the story."""

from __future__ import annotations

import pytest

from tests.simulation.scenarios import STORIES, get_scenario
from workflow.testing.simulation import run_seeds
from workflow.testing.simulation.hook_runs import tell_never_well

SCHEDULES = 200


@pytest.mark.parametrize("name", STORIES)
def test_a_story_keeps_every_promise_and_its_own_rule(name: str) -> None:
    replay = f"make sim SCENARIO={name} SEED={{seed}}"
    report, story = run_seeds(get_scenario(name), range(20_000, 20_000 + SCHEDULES), replay_with=replay)
    assert story == ""
    assert report.schedules == SCHEDULES
    assert tell_never_well(report.hooks, report.schedules) == ""
