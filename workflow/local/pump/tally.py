"""Numbers about a pump's work."""

from __future__ import annotations

import threading
from dataclasses import dataclass, fields, replace


@dataclass(frozen=True, slots=True)
class Counters:
    """What a pump has done since it started."""

    records_seen: int = 0
    records_filtered: int = 0
    records_acknowledged: int = 0
    invocations: int = 0
    failures: int = 0
    records_discarded: int = 0


class Tally:
    """Counters that several threads add to."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counters = Counters()

    def add(self, **counts: int) -> None:
        """Add to the named counters."""
        with self._lock:
            now = {each.name: getattr(self._counters, each.name) for each in fields(Counters)}
            self._counters = replace(self._counters, **{name: now[name] + n for name, n in counts.items()})

    def snapshot(self) -> Counters:
        """Return all counters as they are at one moment."""
        with self._lock:
            return self._counters
