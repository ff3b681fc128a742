"""What the simulator saw happen, for the checker: answers, runs of hooks, effects settled, promises broken."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NamedTuple

from workflow.engine.entity import Entity
from workflow.engine.events import Event
from workflow.runtime.ask import Ask
from workflow.runtime.ledger_entry import LedgerEntry
from workflow.testing.simulation.hook_runs import HookRuns

if TYPE_CHECKING:
    from workflow.testing.simulation.publisher import Arrived

Key = tuple[str, str]
"""Kind and id of an entity."""


OWN_CHECK = 0
"""Stands for a promise of the user's, who checks it himself."""


class Breach(NamedTuple):
    """A promise that was broken, in words."""

    promise: int
    text: str


@dataclass(slots=True)
class Call:
    """One attempt of one command, and what it was answered; '' while there is no answer.

    `first_version` and `last_version` are where the entity stood when the call began and when it was answered.
    """

    command: int
    ask: Ask
    first_version: int
    answer: Literal["", "accepted", "refused", "not written", "unknown"] = ""
    last_version: int = 0
    event: Event | None = None
    entity: Entity | None = None
    repeated: bool = False
    error: Exception | None = None


class RawWrite(NamedTuple):
    """An entity changed past the framework: what was where."""

    key: Key
    before_version: int
    version: int
    source: str
    target: str


class Settled(NamedTuple):
    """An effect that was settled, when, and as what."""

    key: Key
    version: int
    hook: str
    at: int
    status: str


@dataclass
class Log:
    """Everything that is kept of one schedule. The sets hold keys of effects; `cut_off` are those of whose last run
    nobody knows the end; `held_up` the entities that were put aside for what happened to them, `moved` those that were
    mended into another place of a lane; `hooks` says how the user's own fared."""

    calls: list[Call] = field(default_factory=list)
    raw: list[RawWrite] = field(default_factory=list)
    settled: list[Settled] = field(default_factory=list)
    committed_at: dict[tuple[str, str, int], int] = field(default_factory=dict)
    starts: Counter[str] = field(default_factory=Counter)
    well: set[str] = field(default_factory=set)
    failed: set[str] = field(default_factory=set)
    probed: set[str] = field(default_factory=set)
    skipped: set[str] = field(default_factory=set)
    happened: set[str] = field(default_factory=set)
    cut_off: set[str] = field(default_factory=set)
    held_up: set[Key] = field(default_factory=set)
    moved: set[Key] = field(default_factory=set)
    breaches: list[Breach] = field(default_factory=list)
    faults: Counter[str] = field(default_factory=Counter)
    hooks: dict[str, HookRuns] = field(default_factory=dict)
    published: list[Arrived] = field(default_factory=list)

    def breach(self, promise: int, text: str) -> None:
        """Notes that a promise was broken."""
        self.breaches.append(Breach(promise, text))

    def note_settled(self, entry: LedgerEntry, hook: str, at: int) -> None:
        """Notes that an effect was settled, and looks whether anything stands behind it."""
        outcome = entry.outcomes[hook]
        key = f"{entry.kind}#{entry.entity_id}#{entry.version}#{hook}"
        self.settled.append(Settled((entry.kind, entry.entity_id), entry.version, hook, at, outcome.status))
        if outcome.status == "done" and key not in self.well and key not in self.probed:
            self.breach(4, f"{entry}: {hook!r} was committed as done, and never ran to its end")
        elif outcome.status == "caught" and key not in self.failed:
            self.breach(4, f"{entry}: {hook!r} was committed as caught, and never failed")
        elif outcome.status == "skipped" and key not in self.skipped:
            self.breach(4, f"{entry}: {hook!r} was committed as skipped, and nobody asked for that")

    @property
    def tainted(self) -> set[Key]:
        """The entities that somebody wrote to past the framework."""
        return {write.key for write in self.raw}
