"""Working through pieces of a source side by side, with no more of them in memory than threads work on them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import TypeVar

from workflow.runtime.archives.bulk import Key
from workflow.runtime.crew import Crew

_Piece = TypeVar("_Piece")


def work_through(pieces: Iterator[_Piece], workers: int, do: Callable[[_Piece], None]) -> None:
    """Does every piece once; each worker takes the next when it is free. Raises what is raised first, soon."""
    lock, stopped = threading.Lock(), threading.Event()

    def take() -> _Piece | None:
        with lock:
            return None if stopped.is_set() else next(pieces, None)

    def work(_: None, number: int) -> None:
        try:
            while (piece := take()) is not None:
                do(piece)
        except BaseException:
            stopped.set()
            raise

    try:
        Crew(workers).work_off(range(workers), lambda: None, work)
    except BaseException:
        stopped.set()
        raise


class Busy:
    """The entities that are being loaded: two lines with the same id must not be written at the same time."""

    def __init__(self) -> None:
        self._keys: set[Key] = set()
        self._changed = threading.Condition()

    @contextmanager
    def hold(self, keys: Collection[Key]) -> Iterator[None]:
        """Waits until nobody else holds any of them."""
        own = set(keys)
        with self._changed:
            self._changed.wait_for(lambda: self._keys.isdisjoint(own))
            self._keys |= own
        try:
            yield
        finally:
            with self._changed:
                self._keys -= own
                self._changed.notify_all()
