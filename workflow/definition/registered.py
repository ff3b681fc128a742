"""The names that handler modules register, apart from the functions: what definitions are checked against."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Registered:
    """Every registered name: the hooks with the triggers that they say they fire, the guards, the hooks that a probe
    can tell of, and the limits of lanes."""

    hooks: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    guards: tuple[str, ...] = ()
    probes: tuple[str, ...] = ()
    limits: tuple[str, ...] = ()
