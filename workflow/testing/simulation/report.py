"""What many schedules came to, in numbers: what they really met with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from workflow.testing.simulation.hook_runs import HookRuns

CROWD = 8
"""So many schedulers, or more, at the same moment."""


@dataclass
class Report:
    """Counts over all schedules; its text is a table for people. `hooks` are the user's own, `schedulers` the most that
    were at once about starting somebody in a lane, `crowded` the schedules in which there were eight or more."""

    schedules: int = 0
    seconds: float = 0.0
    points: int = 0
    events: int = 0
    effects: int = 0
    violations: int = 0
    lane_starts: int = 0
    schedulers: int = 0
    crowded: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    hooks: dict[str, HookRuns] = field(default_factory=dict)

    def add(self, other: Report) -> None:
        """Adds the counts of another process."""
        self.schedules += other.schedules
        self.seconds = max(self.seconds, other.seconds)
        self.points += other.points
        self.events += other.events
        self.effects += other.effects
        self.violations += other.violations
        self.lane_starts += other.lane_starts
        self.schedulers = max(self.schedulers, other.schedulers)
        self.crowded += other.crowded
        self.faults += other.faults
        self.add_hooks(other.hooks)

    def add_hooks(self, hooks: Mapping[str, HookRuns]) -> None:
        """Adds how the user's own hooks fared elsewhere."""
        for name, runs in hooks.items():
            self.hooks.setdefault(name, HookRuns()).add(runs)

    def _lane_rows(self) -> list[tuple[str, str]]:
        if not self.schedulers:
            return []
        return [
            ("starts in lanes", f"{self.lane_starts:,}"),
            ("most schedulers at once", f"{self.schedulers:,}"),
            (f"schedules with {CROWD} at once", f"{self.crowded:,}"),
        ]

    def __str__(self) -> str:
        rows = [
            ("schedules", f"{self.schedules:,}"),
            ("seconds", f"{self.seconds:.1f}"),
            ("schedules per second", f"{self.schedules / max(self.seconds, 0.001):.0f}"),
            ("I/O points", f"{self.points:,}"),
            ("events", f"{self.events:,}"),
            ("effects settled", f"{self.effects:,}"),
            *self._lane_rows(),
            *((f"  {name}", f"{count:,}") for name, count in sorted(self.faults.items())),
            *([("own hooks that ended well", f"{sum(r.well for r in self.hooks.values()):,}")] if self.hooks else []),
            *(row for name, runs in sorted(self.hooks.items()) for row in runs.rows(name)),
            ("violations", f"{self.violations:,}"),
        ]
        width = max(len(name) for name, _ in rows)
        return "\n".join(f"{name:<{width}}  {count:>12}" for name, count in rows)
