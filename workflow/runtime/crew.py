"""Work done by as many threads as have something to do."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

_Job = TypeVar("_Job")
_Worker = TypeVar("_Worker")


class Crew:
    """A pool of threads, kept for the life of a process."""

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self._pool = ThreadPoolExecutor(max_workers=workers, thread_name_prefix="effects")

    def work_off(
        self, jobs: Iterable[_Job], worker: Callable[[], _Worker], do: Callable[[_Worker, _Job], None]
    ) -> list[_Worker]:
        """Does every job once, in order of their beginning, and returns the workers that took part."""
        waiting = deque(jobs)
        hired: list[Future[_Worker]] = []
        most = min(self._workers, len(waiting)) - 1

        def work() -> _Worker:
            # Each hires the next one: threads come as fast as jobs wait for something, and hardly any while none does.
            if waiting and len(hired) < most:
                hired.append(self._pool.submit(work))
            own = worker()
            while True:
                try:
                    job = waiting.popleft()
                except IndexError:
                    return own
                do(own, job)

        took_part = [work()]
        # Whoever is still at work may hire one more, which then stands at the end of the list.
        for other in hired:
            took_part.append(other.result())
        return took_part
