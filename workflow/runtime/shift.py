"""One list of jobs and the threads that work it off; jobs may stop to have a part of them done together."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import partial
from typing import Generic, NamedTuple, TypeAlias, TypeVar

from workflow.runtime.gathering import Course, Gathering
from workflow.runtime.hook_run import Claimed, Company, Ran

_Job = TypeVar("_Job")
_Worker = TypeVar("_Worker")
_Task: TypeAlias = Callable[[], None]

LINGER = timedelta(seconds=0.1)
"""What was gathered runs when nothing new has come for so long: a slow hook of one entity must not hold up others."""


class _Halted(NamedTuple, Generic[_Worker]):
    """A job that waits for its effect to be run with others, since when, and who does it."""

    worker: _Worker
    course: Course
    claimed: Claimed
    since: datetime


class Shift(Generic[_Worker, _Job]):
    """Works off one list of jobs. A worker has one job at a time, from its beginning to its end."""

    def __init__(
        self,
        pool: ThreadPoolExecutor,
        workers: int,
        jobs: Iterable[_Job],
        worker: Callable[[], _Worker],
        do: Callable[[_Worker, _Job], Course | None],
        gathering: Gathering | None,
    ) -> None:
        self._pool, self._worker, self._do, self._gathering = pool, worker, do, gathering
        self._waiting = deque(jobs)
        self._halted: dict[Company, list[_Halted[_Worker]]] = {}
        self._ready = deque[tuple[_Worker, Course, Ran | None]]()
        self._condition = threading.Condition()
        self._most = min(workers, len(self._waiting))
        self._hired: list[Future[None]] = []
        self._is_hiring = False
        self._present = self._at_work = 1
        self._idle: list[_Worker] = []
        self._took_part: list[_Worker] = []

    def work_off(self) -> list[_Worker]:
        """Does every job once, and returns the workers that took part."""
        self._work()
        # Whoever is still at work may hire one more, which then stands at the end of the list.
        for hired in self._hired:
            hired.result()
        return self._took_part

    def _work(self) -> None:
        self._is_hiring = False
        try:
            while task := self._next():
                task()
        except BaseException:
            # The others go on without this one, and must not wait for what it might have brought.
            with self._condition:
                self._leave()
                self._at_work -= 1
            raise

    def _next(self) -> _Task | None:
        if self._halted or self._ready or not self._waiting:
            return self._agreed()
        # Where nothing is gathered, threads that take the next job need not agree on it.
        try:
            job = self._waiting.popleft()
        except IndexError:
            return self._agreed()
        if self._present < self._most and not self._is_hiring:
            with self._condition:
                self._hire()
        return partial(self._begin, job)

    def _agreed(self) -> _Task | None:
        with self._condition:
            self._at_work -= 1
            task = self._choose()
            if task is None:
                self._leave()
                return None
            self._at_work += 1
            self._hire()
            return task

    def _leave(self) -> None:
        self._present -= 1
        self._condition.notify_all()

    def _hire(self) -> None:
        """One after the other: threads come as fast as jobs wait for something, and hardly any while none does."""
        is_work_left = self._waiting or self._ready or self._halted
        if is_work_left and self._present < self._most and not self._is_hiring:
            self._is_hiring = True
            self._present, self._at_work = self._present + 1, self._at_work + 1
            self._hired.append(self._pool.submit(self._work))

    def _choose(self) -> _Task | None:
        is_late = False
        while True:
            if self._ready:
                return partial(self._go_on, *self._ready.popleft())
            if self._halted and (due := self._find_due()):
                return self._together(due)
            if self._waiting:
                return partial(self._begin, self._waiting.popleft())
            if not self._halted:
                # Those at work take care of what they bring.
                return None
            if is_late or self._at_work < 1:
                return self._together(next(iter(self._halted)))
            is_late = not self._condition.wait(LINGER.total_seconds())

    def _find_due(self) -> Company | None:
        lingers_since = self._gathered().now() - LINGER
        for company, found in self._halted.items():
            if len(found) >= company.most or found[-1].since <= lingers_since:
                return company
        return None

    def _together(self, company: Company) -> _Task:
        halted, most = self._halted.pop(company), company.most
        if len(halted) > most:
            self._halted[company] = halted[most:]
        return partial(self._run, halted[:most])

    def _begin(self, job: _Job) -> None:
        worker = self._find_idle()
        course = self._do(worker, job)
        if course is None:
            self._idle.append(worker)
        else:
            self._go_on(worker, course, None)

    def _find_idle(self) -> _Worker:
        try:
            return self._idle.pop()
        except IndexError:
            worker = self._worker()
            self._took_part.append(worker)
            return worker

    def _go_on(self, worker: _Worker, course: Course, ran: Ran | None) -> None:
        try:
            claimed = course.send(ran)
        except StopIteration:
            self._idle.append(worker)
            return
        halted = _Halted(worker, course, claimed, self._gathered().now())
        with self._condition:
            self._halted.setdefault(claimed.company, []).append(halted)
            self._condition.notify_all()

    def _run(self, halted: list[_Halted[_Worker]]) -> None:
        ran = self._gathered().run([one.claimed for one in halted])
        with self._condition:
            self._ready.extend((one.worker, one.course, how) for one, how in zip(halted, ran, strict=True))
            self._condition.notify_all()

    def _gathered(self) -> Gathering:
        assert self._gathering is not None, "whoever does jobs that stop gives a gathering"
        return self._gathering
