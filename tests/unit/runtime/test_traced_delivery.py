"""A tracer that is switched on changes nothing of what is delivered, whatever the images hold."""

from __future__ import annotations

import pytest

from tests.fakes.hooks import Notebook
from tests.unit.runtime.delivery import Bench
from workflow import Effect, hook
from workflow.engine.entity import Entity
from workflow.engine.events import Event
from workflow.errors import HistoryConflictError
from workflow.runtime.changes import Change
from workflow.runtime.ports import SetTimer
from workflow.runtime.runtime import Runtime
from workflow.runtime.timers import fire_timer
from workflow.runtime.tracing import NO_TRACER, Tracer
from workflow.testing.memory_tracer import MemoryTracer

TRACERS = pytest.mark.parametrize("tracer", [NO_TRACER, MemoryTracer()], ids=["off", "on"])


class _Damaged:
    """Snapshots of an entity whose item somebody changed by hand."""

    event: Event | None = None

    def before(self) -> Entity | None:
        return None

    def after(self) -> Entity:
        raise HistoryConflictError("damaged")


@hook(name="greet", batch=10)
def _greet(effects: list[Effect]) -> None: ...


def _traced(bench: Bench, tracer: Tracer) -> Bench:
    object.__setattr__(bench.flow.runtime, "tracer", tracer)
    return bench


def _damaged(change: Change) -> Change:
    return change._replace(snapshots=_Damaged(), owed=("greet",))


@TRACERS
def test_a_hook_runs_of_an_entity_that_cannot_be_read(tracer: Tracer) -> None:
    bench = _traced(Bench(), tracer)
    placed, _ = bench.paid()
    delivered = bench.deliver(_damaged(placed))
    assert (delivered.failed, delivered.effects_done + delivered.effects_failed > 0) == ([], True)


@TRACERS
def test_a_batch_is_run_although_one_of_its_entities_cannot_be_read(tracer: Tracer) -> None:
    notes = Notebook("receipt", "loyalty", "notify")
    notes.handlers.append(_greet)
    bench = _traced(Bench(notes=notes, workers=1), tracer)
    for number in range(3):
        bench.flow.create("order", str(number), {})
    first, *others = bench.store.changes()
    delivered = bench.deliver(_damaged(first), *(change._replace(owed=("greet",)) for change in others))
    assert (delivered.failed, delivered.effects_done) == ([], 3)


@TRACERS
def test_a_timer_fires_although_the_event_that_set_it_cannot_be_read(
    tracer: Tracer, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = _traced(Bench(), tracer)
    bench.flow.create("order", "42", {})
    runtime: Runtime = bench.flow.runtime

    def damaged(*_: object) -> Event | None:
        raise HistoryConflictError("damaged event")

    monkeypatch.setattr(runtime.store, "find_event", damaged)
    entity = bench.flow.get("order", "42")
    assert fire_timer(runtime, SetTimer("order", "42", entity.version, "cancel", entity.changed_at)) is True
