"""What hydrating came to, counted, and told where something was not loaded."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

_MOST_TOLD = 1000


@dataclass(slots=True)
class Hydrated:
    """What came of it: how many entities were loaded, were there already, or have moved on since; how many were put
    back into lanes, and checked at the end. `told` says what was not loaded and why, at most a thousand of `wrong`.
    `opened` counts effects that were still owed when they were archived; `unknown` entities by a definition version
    that is not loaded here."""

    lines: int = 0
    loaded: int = 0
    there: int = 0
    moved_on: int = 0
    placed: int = 0
    checked: int = 0
    events: int = 0
    opened: int = 0
    wrong: int = 0
    told: list[str] = field(default_factory=list)
    unknown: Counter[str] = field(default_factory=Counter)

    def tell(self, what: str) -> None:
        """Counts something wrong, and keeps what it is."""
        self.wrong += 1
        if len(self.told) < _MOST_TOLD:
            self.told.append(what)
