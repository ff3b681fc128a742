"""What is simulated: the shipped kinds, a nasty one that has everything at once, and one that waits in lanes."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from workflow.definition.definition import Definitions
from workflow.definition.load import load_definitions
from workflow.testing.simulation import Scenario
from workflow.testing.simulation.views import VIEWS

_HERE = Path(__file__).parent

SHIPPED = load_definitions(_HERE.parents[1] / "definitions")
NASTY = load_definitions(_HERE / "nasty.yaml")
QUEUED = load_definitions(_HERE / "queue.yaml")
ALL = Definitions((*SHIPPED, *NASTY))
UNDOING = load_definitions(_HERE / "undoing.yaml")
SIMULATED = {"all": ALL, "lanes": QUEUED, "undo": UNDOING, "batches": NASTY, "views": ALL}
"""What `make sim` plays, by name."""

BATCHES = {"greet": 100, "count_in": 3, "work": 4, "ask": 2, "charge": 10, "announce": 1, "log_bump": 5}
"""Hooks of the nasty kind that take several effects at once, where batches are played."""

STORIES: tuple[str, ...] = ("signup", "pubsub", "payment", "trip", "shipment", "crm")
"""The stories of docs/stories that are played as well: each with its own hooks, against an outside world that is played
too, and with a rule of its own. Each is a module in the folder `stories` with a function `scenario`."""


def get_scenario(name: str) -> Scenario:
    """What is played under that name."""
    if name in SIMULATED:
        batches, views = BATCHES if name == "batches" else {}, VIEWS if name == "views" else ()
        return Scenario(SIMULATED[name], batches=batches, views=views)
    scenario: Scenario = import_module(f"tests.simulation.stories.{name}").scenario()
    return scenario
