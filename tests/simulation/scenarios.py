"""What is simulated: the shipped kinds, a nasty one that has everything at once, and one that waits in lanes."""

from __future__ import annotations

from pathlib import Path

from workflow.definition.definition import Definitions
from workflow.definition.load import load_definitions

_HERE = Path(__file__).parent

SHIPPED = load_definitions(_HERE.parents[1] / "definitions")
NASTY = load_definitions(_HERE / "nasty.yaml")
QUEUED = load_definitions(_HERE / "queue.yaml")
ALL = Definitions((*SHIPPED, *NASTY))
SIMULATED = {"all": ALL, "lanes": QUEUED}
"""What `make sim` plays, by name."""
