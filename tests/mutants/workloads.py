"""What is played while a mutant is hunted: everything, or more of what comes by its broken place too rarely."""

from __future__ import annotations

from tests.simulation.scenarios import ALL, NASTY
from workflow.testing.simulation import Command, Scenario

EVERYTHING = Scenario(ALL)


def _started(entity_id: str) -> list[Command]:
    create = Command("create", "nasty", entity_id)
    start, ask = (Command("fire", "nasty", entity_id, trigger) for trigger in ("start", "ask"))
    return [create, start, Command("wait", seconds=20), ask, Command("wait", seconds=20), ask]


OUTCOMES_WITH_TRANSITIONS = Scenario(NASTY, scripts=[_started(str(number)) for number in range(1, 6)])
"""Five entities, and each owes a hook with a `then` three times; faults and hooks are as fate has them."""
