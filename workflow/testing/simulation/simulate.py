"""The pytest helper: thousands of schedules of an application's own definitions and hooks, in one call."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

from workflow.application import read_definitions
from workflow.definition.definition import Definitions
from workflow.runtime.hooks import Handlers, Hooks, require
from workflow.testing.simulation.hook_runs import tell_never_well
from workflow.testing.simulation.report import Report
from workflow.testing.simulation.run import run_seeds
from workflow.testing.simulation.scenario import Scenario


def simulate(
    definitions: Definitions | Path | str,
    hooks: Handlers | None = None,
    *,
    schedules: int = 2000,
    seed: int | None = None,
    before_each: Callable[[], object] | None = None,
    check: Callable[[], None] | None = None,
) -> Report:
    """Plays so many schedules of faults and returns what they met with; raises AssertionError with the shortest story
    it finds if one of them breaks a promise, and if one of the hooks never once succeeded.

    `hooks` are what a Workflow is given as `handlers`: handler modules or marked functions, called for real, so they
    must be pure against fakes, and use no threads; None stands for hooks that do what fate says. `seed` plays that one
    schedule again, instead of `schedules` new ones.

    `before_each` is called before every schedule, also where one is replayed or shrunk: reset your fakes in it, for
    all schedules use the same ids. `check` is called after each; an AssertionError from it is told as a broken promise.
    """
    if schedules < 1:
        raise ValueError(f"schedules must be 1 or more, not {schedules}")
    own = None if hooks is None else Hooks(hooks)
    scenario = Scenario(_definitions(definitions, own), own, before_each=before_each, check=check)
    first = random.SystemRandom().randrange(10**9)
    seeds = range(first, first + schedules) if seed is None else [seed]
    report, story = run_seeds(scenario, seeds, replay_with="simulate(..., seed={seed})")
    # In a single schedule, fate alone may have kept a hook from it.
    if story or (seed is None and (story := tell_never_well(report.hooks, report.schedules))):
        raise AssertionError(story)
    return report


def _definitions(definitions: Definitions | Path | str, own: Hooks | None) -> Definitions:
    if not isinstance(definitions, Definitions):
        return read_definitions(definitions, own)
    if own is not None:
        require(own, definitions)
    return definitions
