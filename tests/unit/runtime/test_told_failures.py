"""What is left out of an error is looked for by each failing run by itself: none waits for another's reads."""

from __future__ import annotations

import threading

from tests.unit.runtime.delivery import Bench
from workflow.engine.entity import Entity
from workflow.engine.events import Event
from workflow.runtime.changes import Change, Snapshots


class _Meeting:
    """Snapshots that are read only once those of the other entity are being read too."""

    event: Event | None = None

    def __init__(self, own: Snapshots, meeting: threading.Barrier) -> None:
        self._own, self._meeting = own, meeting

    def before(self) -> Entity | None:
        self._meeting.wait(5)
        return self._own.before()

    def after(self) -> Entity:
        return self._own.after()


def test_two_that_fail_at_once_are_told_side_by_side() -> None:
    bench, meeting = Bench(workers=2), threading.Barrier(2)
    bench.notes.failing["greet"] = _fail
    for number in ("1", "2"):
        bench.flow.create("order", number, {})

    def met(change: Change) -> Change:
        return change._replace(snapshots=_Meeting(change.snapshots, meeting), owed=("greet",))

    bench.deliver(*map(met, bench.store.changes()))
    assert not meeting.broken


def _fail(*_: object) -> None:
    raise ValueError("it fails")
