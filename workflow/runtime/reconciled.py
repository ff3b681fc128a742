"""What reconciling found, and what it mended."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime

from workflow.engine.place import LaneKey


@dataclass(slots=True)
class Reconciled:
    """What was found: how many entities were looked at; which were restored; how many changed too lately to tell, or
    are put aside or being run anyway; and which could not be understood. `moved` are the entities that were given
    another place in a lane, or none, `freed` counts by lane the places of nobody. `elsewhere` are those at home in
    another region that owe something, as far as is known here. `began_at`: what was lost before that moment was found;
    it is long ago if the walk was interrupted."""

    began_at: datetime
    looked_at: int = 0
    restored: list[str] = field(default_factory=list)
    young: int = 0
    under_way: int = 0
    elsewhere: int = 0
    broken: list[str] = field(default_factory=list)
    moved: list[str] = field(default_factory=list)
    freed: Counter[LaneKey] = field(default_factory=Counter)
