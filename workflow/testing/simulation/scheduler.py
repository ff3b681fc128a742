"""Who goes on, and when: one actor at a time, chosen by fate, on a clock that moves only when all of them wait."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from greenlet import GreenletExit, getcurrent, greenlet  # type: ignore[import-untyped]

from workflow.testing.simulation.fate import Fate, Odds

SECOND = 1_000_000
"""Time is counted in whole microseconds, so that a replay is exact."""

_STEP = 2_000
"""What every step takes."""

_STAY = {count: Odds(count * 2, *[1] * (count - 1)) for count in range(2, 64)}


class Actor(greenlet):  # type: ignore[misc]
    """Somebody who acts: a client, an invocation, a person. It stands still at each I/O until it is its turn again.

    One that crashed is never continued: nothing of it runs any more, no `except` and no `finally`.
    """

    def __init__(self, name: str, work: Callable[[], object], hub: greenlet, skew: int, ends_at: int) -> None:
        super().__init__(parent=hub)
        self.name, self.skew = name, skew
        self.work = work
        self.wakes_at, self.ends_at = 0, ends_at
        self.crashed = False
        self.outage = 0
        self.late: list[Actor] = []
        self.result: Any = None
        self.error: BaseException | None = None

    def run(self) -> None:
        """What the greenlet does."""
        try:
            self.result = self.work()
        except GreenletExit:
            self.crashed = True
        except BaseException as error:
            self.error = error

    @property
    def is_over(self) -> bool:
        """Whether it will do nothing more."""
        return self.crashed or bool(self.dead)


class Scheduler:
    """Runs actors step by step; `now` is the time in microseconds since the schedule began."""

    def __init__(self, fate: Fate) -> None:
        self.fate = fate
        self.now = 0
        self.steps = 0
        self.actors: list[Actor] = []
        self.failed: list[Actor] = []
        self._over: list[Actor] = []
        self._hub = getcurrent()
        self._last: Actor | None = None

    def spawn(self, name: str, work: Callable[[], object], *, skew: int = 0, limit_seconds: int = 0) -> Actor:
        """A new actor, which begins when it is chosen; it is told that it has so long."""
        actor = Actor(name, work, self._hub, skew, self.now + limit_seconds * SECOND)
        actor.wakes_at = self.now
        self.actors.append(actor)
        return actor

    def pause(self) -> None:
        """Lets others act first; called by an actor."""
        self._hub.switch()

    def sleep(self, microseconds: int) -> None:
        """Waits; called by an actor."""
        current().wakes_at = self.now + microseconds
        self._hub.switch()

    def crash(self, actor: Actor) -> None:
        """Ends an actor where it stands; does not return if it is the one that calls."""
        actor.crashed = True
        if getcurrent() is actor:
            self._hub.switch()
            raise GreenletExit

    def bury(self, actor: Actor) -> None:
        """Takes an actor that is over from those that may go on."""
        self.actors.remove(actor)
        self._over.append(actor)

    def step(self) -> bool:
        """Lets one actor go on; false if all of them wait, or none is there."""
        ready = [actor for actor in self.actors if actor.wakes_at <= self.now]
        if not ready:
            return False
        actor = self._chosen(ready)
        self.now += _STEP
        self.steps += 1
        self._last = actor
        actor.switch()
        if actor.is_over:
            self.bury(actor)
            if actor.error is not None:
                self.failed.append(actor)
        return True

    def _chosen(self, ready: list[Actor]) -> Actor:
        if len(ready) == 1:
            return ready[0]
        if self._last in ready:
            ready.remove(self._last)
            ready.insert(0, self._last)
        return ready[self.fate.weighted(_STAY[min(len(ready), 63)])]

    def wakes(self) -> Iterator[int]:
        """When each waiting actor goes on."""
        return (actor.wakes_at for actor in self.actors)

    def end(self) -> None:
        """Ends whoever is left, so that nothing of the schedule stays in memory."""
        for actor in [*self.actors, *self._over]:
            actor.crashed = True
            if not actor.dead:
                actor.throw()
        self.actors, self._over = [], []


def current() -> Actor:
    """The actor that is acting."""
    actor = getcurrent()
    assert isinstance(actor, Actor), "only an actor waits"
    return actor


def find_current() -> Actor | None:
    """The actor that is acting; None while the simulator itself looks around."""
    actor = getcurrent()
    return actor if isinstance(actor, Actor) else None
