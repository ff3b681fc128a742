"""How the user's own hooks fared, so that a schedule of nothing but errors is not taken for a good one."""

from __future__ import annotations

import inspect
import traceback
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class HookRuns:
    """How often one hook ended well, and how often with which error; `first` is its first error, in words."""

    well: int = 0
    errors: Counter[str] = field(default_factory=Counter)
    first: str = ""

    def note_error(self, function: Callable[..., object], error: Exception) -> None:
        """Counts what a run of the hook raised."""
        name = type(error).__name__
        self.errors[name] += 1
        self.first = self.first or f"{name}: {error} ({place_in(function, error)})"

    def add(self, other: HookRuns) -> None:
        """Adds the runs of another schedule."""
        self.well += other.well
        self.errors += other.errors
        self.first = self.first or other.first

    def rows(self, hook: str) -> list[tuple[str, str]]:
        """What a report says of the hook."""
        if not self.well and not self.errors:
            return [(f"  {hook}", "never reached")]
        errors = [(f"  {hook}: {name}", f"{count:,}") for name, count in sorted(self.errors.items())]
        return [(f"  {hook}", f"{self.well:,}"), *errors]


def tell_never_well(hooks: Mapping[str, HookRuns], schedules: int) -> str:
    """A line for each hook that was run and never succeeded; '' if there is none."""
    many = f"{schedules:,} schedule{'' if schedules == 1 else 's'}"
    return "\n".join(
        f"hook {name!r} never succeeded in {many}: {runs.first}"
        for name, runs in sorted(hooks.items())
        if runs.errors and not runs.well
    )


def place_in(function: Callable[..., object], error: BaseException) -> str:
    """Where the function was when the error came out of it, as file:line; its first line if it was never entered."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    frames = list(traceback.walk_tb(error.__traceback__))
    own = [(frame, line) for frame, line in frames if frame.f_code is code]
    if own:
        return f"{Path(own[-1][0].f_code.co_filename).name}:{own[-1][1]}"
    if code is not None:
        return f"{Path(code.co_filename).name}:{code.co_firstlineno}"
    return f"{Path(frames[-1][0].f_code.co_filename).name}:{frames[-1][1]}"
