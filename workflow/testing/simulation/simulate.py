"""The pytest helper: thousands of schedules of an application's own definitions and hooks, in one call."""

from __future__ import annotations

import random
from pathlib import Path

from workflow.definition.definition import Definitions
from workflow.runtime.hooks import Handlers, Hooks, require
from workflow.testing.simulation.report import Report
from workflow.testing.simulation.run import run_seeds
from workflow.testing.simulation.scenario import Scenario


def simulate(
    definitions: Definitions | Path | str,
    hooks: Handlers | None = None,
    *,
    schedules: int = 2000,
    seed: int | None = None,
) -> Report:
    """Plays so many schedules of faults and returns what they met with; raises AssertionError with the shortest story
    it finds if one of them breaks a promise.

    `hooks`: handler modules or marked functions, called for real, so they must be pure against fakes; None stands for
    hooks that do what fate says. `seed` plays that one schedule again, instead of `schedules` new ones.
    """
    if not isinstance(definitions, Definitions):
        # Reading YAML takes more than simulating does.
        from workflow.definition.load import load_definitions

        definitions = load_definitions(definitions)
    own = None if hooks is None else Hooks(hooks)
    if own is not None:
        require(own, definitions)
    first = random.SystemRandom().randrange(10**9)
    seeds = range(first, first + schedules) if seed is None else [seed]
    report, story = run_seeds(Scenario(definitions, own), seeds, replay_with="simulate(..., seed={seed})")
    if story:
        raise AssertionError(story)
    return report
