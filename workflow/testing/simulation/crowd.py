"""Which entities a schedule is about, and whether they come in crowds."""

from __future__ import annotations

from workflow.testing.simulation.fate import Fate
from workflow.testing.simulation.log import Key
from workflow.testing.simulation.profile import Profile
from workflow.testing.simulation.scenario import Scenario

_IDS = ("1", "2", "#3", "vier ü 🚚")

_MORE_IDS = ("5", "6", "7", "8")


def is_crowded(scenario: Scenario, fate: Fate) -> bool:
    """Whether many come to wait in lanes at once, and many start them: always where half of the kinds wait."""
    with_lanes = {kind for kind, _ in scenario.lanes}
    return bool(with_lanes) and (2 * len(with_lanes) >= len(scenario.kinds) or fate.choose(4) == 3)


def draw_entities(scenario: Scenario, fate: Fate, profile: Profile, *, crowded: bool) -> list[Key]:
    """The keys of those that clients create, as fate has them."""
    kinds = scenario.kinds
    ids = _IDS + _MORE_IDS if crowded else _IDS
    count = profile.entities + (3 if crowded else 0)
    return [(kinds[fate.choose(len(kinds))], ids[number]) for number in range(count)]
