"""Sweep: what is due goes on. Timers fire, those whose turn it is start, and who was put aside is taken up again."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import islice
from typing import TypeAlias

from workflow.errors import HomeRegionError, WorkflowError
from workflow.runtime.crew import Crew
from workflow.runtime.delivered import Delivered
from workflow.runtime.gathering import Course
from workflow.runtime.invocation import Invocation
from workflow.runtime.lane_ports import WatchedLane
from workflow.runtime.paused import PausedHooks
from workflow.runtime.ports import Due, SetTimer
from workflow.runtime.redact import bare_trace
from workflow.runtime.resume import Resumption
from workflow.runtime.run_effects import OutOfTime
from workflow.runtime.runtime import Runtime
from workflow.runtime.sweep_lane import sweep_lane
from workflow.runtime.timers import fire_timer

log = logging.getLogger("workflow")

_Job: TypeAlias = Due | SetTimer | WatchedLane

MOST_DUE = 1000
"""The most timers, and the most put-aside entities, that one sweep takes up; the next one goes on."""


class Sweeper:
    """Takes up what is due, on a pool of threads. Several at once are safe: each claims what it takes."""

    def __init__(self, runtime: Runtime, *, workers: int = 16, most: int = MOST_DUE) -> None:
        self._runtime = runtime
        self._most = most
        self._crew = Crew(workers)
        self._paused = PausedHooks(runtime.ledger, runtime.clock)

    def sweep(self, *, until: datetime) -> Delivered:
        """Fires due timers, looks at lanes, runs due effects, and returns how many there were of which sort; `until` is
        when this process may be stopped. Never raises for what one entity does; raises a Retryable if nothing can be
        read."""
        invocation = Invocation(self._runtime, until, self._paused)
        delivered = Delivered()
        # Timers and lanes first: they run no hooks, so that slow hooks cannot keep them waiting.
        for due in self._queues():
            self._work_off(due(self._runtime.clock.now()), invocation, delivered)
        if delivered.elsewhere:
            log.warning(
                "%d timers and put-aside entities stand in queues of this region and are at home elsewhere; their home "
                "was moved half-way: docs/global-tables.md says what is left to do",
                delivered.elsewhere,
            )
        return delivered

    def _work_off(self, queue: Iterator[_Job], invocation: Invocation, delivered: Delivered) -> None:
        room = self._most
        while room:
            took_part = self._crew.work_off(
                islice(queue, room),
                lambda: Resumption(self._runtime, invocation.runner()),
                self._take_up,
                invocation.gathering,
            )
            passed_over = delivered.elsewhere
            for resumption in took_part:
                delivered.add(resumption.delivered)
            # It stays at the front of the queue, and must keep nobody behind it from being taken up.
            room = delivered.elsewhere - passed_over

    def _queues(self) -> list[Callable[[datetime], Iterator[_Job]]]:
        store = self._runtime.store
        has_lanes = any(definition.lanes for definition in self._runtime.definitions)
        # To look where nobody can wait would cost each sweep as much again.
        return [store.due_timers, *([store.watched_lanes] if has_lanes else []), self._runtime.ledger.due]

    def _take_up(self, resumption: Resumption, due: _Job) -> Course:
        subject = due.lane if isinstance(due, WatchedLane) else due
        try:
            if isinstance(due, SetTimer):
                self._fire(resumption, due)
            elif isinstance(due, WatchedLane):
                resumption.check_time()
                resumption.delivered.started += sweep_lane(self._runtime, due)
            else:
                yield from resumption.resume(due.kind, due.entity_id, due.version)
        except HomeRegionError as error:
            resumption.delivered.elsewhere += 1
            log.debug("%s is passed over: %s", subject, error)
        except OutOfTime:
            log.debug("%s waits for the next sweep: the time of this one is up", subject)
        except WorkflowError as error:
            log.warning("%s waits for the next sweep: %s", subject, error)
        except Exception as error:
            # Whatever it is, it must not take the others with it.
            log.error("%s waits for the next sweep: %s", subject, bare_trace(error))

    def _fire(self, resumption: Resumption, timer: SetTimer) -> None:
        resumption.check_time()
        if fire_timer(self._runtime, timer):
            resumption.delivered.timers_fired += 1
