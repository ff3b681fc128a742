"""What became of a delivery, counted."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from workflow.runtime.changes import Change


@dataclass(slots=True)
class Delivered:
    """What became of the changes: those that must come again, and how many there were of the rest.

    `effects_failed` counts attempts; `put_aside` the entities that go on by themselves later; `for_people`, by kind and
    hook, the effects that now wait for a person; `waiting` the changes behind an entity that was put aside; `started`
    the entities whose turn in a lane had come; `elsewhere` what stood in a queue of this region, of entities that are
    at home in another; `recalled` the transitions that the stream did not show whole, and
    `reads` how often the table was asked for them.
    """

    failed: list[Change] = field(default_factory=list)
    effects_done: int = 0
    effects_failed: int = 0
    put_aside: int = 0
    for_people: Counter[tuple[str, str]] = field(default_factory=Counter)
    waiting: int = 0
    timers_fired: int = 0
    violations: int = 0
    started: int = 0
    recalled: int = 0
    reads: int = 0
    elsewhere: int = 0

    def add(self, other: Delivered) -> None:
        """Adds what another thread delivered."""
        self.failed += other.failed
        self.effects_done += other.effects_done
        self.effects_failed += other.effects_failed
        self.put_aside += other.put_aside
        self.for_people += other.for_people
        self.waiting += other.waiting
        self.timers_fired += other.timers_fired
        self.violations += other.violations
        self.started += other.started
        self.recalled += other.recalled
        self.reads += other.reads
        self.elsewhere += other.elsewhere
