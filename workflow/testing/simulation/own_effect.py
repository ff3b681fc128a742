"""The effect that a hook of the user's is given: it notices if it is used in a thread."""

from __future__ import annotations

import threading
from typing import Any

from workflow.runtime.effect import Effect


class OwnEffect(Effect):
    """An effect for the thread that it was made in: a schedule is exact only if nobody acts beside its actors."""

    __slots__ = ("_in_threads", "_thread")

    def __init__(self, effect: Effect, in_threads: list[str]) -> None:
        for name in Effect.__slots__:
            setattr(self, name, getattr(effect, name))
        self._in_threads = in_threads
        self._thread = threading.get_ident()

    def __getattribute__(self, name: str) -> Any:
        found = super().__getattribute__
        if threading.get_ident() != found("_thread"):
            hook: str = found("hook")
            found("_in_threads").append(hook)
            raise AssertionError(tell_in_thread(hook))
        return found(name)


def tell_in_thread(hook: str) -> str:
    """What somebody is told whose hook used its effect in a thread."""
    return f"hooks under simulate must not use threads: {hook}"
