"""Everything is undone once, the last first, whatever fate does to it."""

from __future__ import annotations

from tests.simulation.scenarios import UNDOING
from workflow.testing.simulation import Scenario, run_seeds


def test_what_was_done_is_undone_once() -> None:
    report, story = run_seeds(Scenario(UNDOING), range(1, 61), replay_with="make sim SCENARIO=undo SEED={seed}")
    assert not story, story
    assert report.schedules == 60
