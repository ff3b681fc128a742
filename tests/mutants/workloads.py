"""What is played while a mutant is hunted: everything, or more of what comes by its broken place too rarely."""

from __future__ import annotations

from tests.simulation.scenarios import BATCHES, NASTY, QUEUED, UNDOING
from workflow.testing.simulation import Command, Scenario

EVERYTHING = Scenario(NASTY)
"""The kind that has everything at once; no shipped one, so that what a schedule plays stays when a story is added."""


def _started(entity_id: str) -> list[Command]:
    create = Command("create", "nasty", entity_id)
    start, ask = (Command("fire", "nasty", entity_id, trigger) for trigger in ("start", "ask"))
    return [create, start, Command("wait", seconds=20), ask, Command("wait", seconds=20), ask]


OUTCOMES_WITH_TRANSITIONS = Scenario(NASTY, scripts=[_started(str(number)) for number in range(1, 6)])
"""Five entities, and each owes a hook with a `then` three times; faults and hooks are as fate has them."""

LANES = Scenario(QUEUED)
"""Three lanes, and many who start whoever is next in them."""

COMPENSATIONS = Scenario(UNDOING)
"""A kind of which everything can be undone."""


def _moved(entity_id: str, repository: str, other: str) -> list[Command]:
    create = Command("create", "queued", entity_id, payload={"repository": repository})
    skip, retry, finish = (Command("fire", "queued", entity_id, trigger) for trigger in ("skip", "retry", "finish"))
    move = Command("fire", "queued", entity_id, "move", {"repository": other})
    again = Command("fire", "queued", entity_id, "move", {"repository": repository})
    life = [skip, Command("rush"), move, finish, again, retry]
    return [create, *life, Command("wait", seconds=8), *life]


MOVING = Scenario(QUEUED, scripts=[_moved(str(n), *(("red", "blue"), ("blue", "red"))[n % 2]) for n in range(1, 6)])
"""Five entities that go from one queue to the other and back, where each has a limit of its own that changes."""


SIDE_BY_SIDE = Scenario(NASTY, scripts=[_started(str(number)) for number in range(1, 9)], batches=BATCHES)
"""Eight entities that do the same at the same time, and hooks that take several of them at once."""
