"""Work done by as many threads as have something to do."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from workflow.runtime.gathering import Course, Gathering
from workflow.runtime.shift import Shift

_Job = TypeVar("_Job")
_Worker = TypeVar("_Worker")


class Crew:
    """A pool of threads, kept for the life of a process."""

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self._pool = ThreadPoolExecutor(max_workers=workers, thread_name_prefix="effects")

    def work_off(
        self,
        jobs: Iterable[_Job],
        worker: Callable[[], _Worker],
        do: Callable[[_Worker, _Job], Course | None],
        gathering: Gathering | None = None,
    ) -> list[_Worker]:
        """Does every job once, in order of their beginning, and returns the workers that took part.

        A job may be a course, which stops where an effect is to run together with those of others: `gathering` runs
        them, and its worker has no other job until it is through.
        """
        return Shift(self._pool, self._workers, jobs, worker, do, gathering).work_off()
