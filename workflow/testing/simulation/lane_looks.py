"""Where entities stand in lanes, and what whoever looked at a lane saw there."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from workflow.engine.place import LaneKey
from workflow.testing.simulation.lane_order import Order
from workflow.testing.simulation.log import Key
from workflow.testing.simulation.scheduler import Actor


class Stand(NamedTuple):
    """Where an entity stands by its own state, since when; `told` is the limit that whoever started it was told."""

    lane: LaneKey
    runs: bool
    since: datetime
    told: int = 0


@dataclass
class Look:
    """A read of a lane by one actor: how many ran, who waited (best first), and how many the actor has started since.

    `first_versions` are the versions at the actor's first look of this round: who was asked since then may have
    refused.
    """

    asked_for: int
    running: int
    waiting: list[tuple[Order, Key]]
    first_versions: dict[Key, int]
    told: int
    started: int = 0


@dataclass
class Schedulers:
    """Those who have looked at a lane and have not ended with it."""

    at_work: set[Actor] = field(default_factory=set)
    most: int = 0

    def note(self, actor: Actor) -> None:
        """The actor has looked."""
        self.at_work.add(actor)
        self.at_work = {one for one in self.at_work if not one.is_over}
        self.most = max(self.most, len(self.at_work))
