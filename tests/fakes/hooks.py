"""Hooks that note what they were given, and fail when a test says so."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from workflow import Effect, hook


class Notebook:
    """The effects that ran, in the order they began; `ran` holds (entity, version, hook, attempt)."""

    def __init__(self, *names: str) -> None:
        self.ran: list[tuple[str, int, str, int]] = []
        self.failing: dict[str, Callable[[Effect], object]] = {}
        self._lock = threading.Lock()
        self.handlers = [self._hook(name) for name in names]

    @property
    def keys(self) -> list[str]:
        """The keys of the effects that ran."""
        return [f"order#{entity_id}#{version}#{name}" for entity_id, version, name, _ in self.ran]

    def forget(self) -> None:
        """Starts a new page."""
        self.ran.clear()

    def _hook(self, name: str) -> Any:
        @hook(name=name)
        def noting(effect: Effect) -> object:
            with self._lock:
                self.ran.append((effect.id, effect.version, name, effect.attempt))
            return self.failing[name](effect) if name in self.failing else None

        return noting


def raising(error: BaseException | Callable[[Effect], BaseException]) -> Callable[[Effect], object]:
    """What makes a hook raise."""

    def fail(effect: Effect) -> object:
        raise error if isinstance(error, BaseException) else error(effect)

    return fail
