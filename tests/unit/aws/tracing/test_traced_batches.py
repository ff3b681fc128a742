"""What was run together: each effect is found in its own trace, marked by what became of it, and gone on from there."""

from __future__ import annotations

from typing import Any

from demo.trace.pieces import Piece, pieces
from tests.fakes.batches import SYNCED, Answer, Batching, failing, named
from tests.fakes.uses import LATER, using
from tests.fakes.xray_daemon import XrayDaemon
from workflow.aws.tracing.place import find_place
from workflow.aws.tracing.xray import XrayTracer
from workflow.definition.definition import Definition
from workflow.runtime.tracing import Tracer
from workflow.testing import MemoryTracer


def batching(tracer: Tracer, answer: Answer = lambda effects: None, definition: Definition = SYNCED) -> Batching:
    made = Batching(answer=answer, definition=using(definition, retry=LATER))
    object.__setattr__(made.flow.runtime, "tracer", tracer)
    return made


def delivered(daemon: XrayDaemon, some: Batching, orders: int) -> list[Piece]:
    """The spans of the run of so many orders that are placed at once, in the order of the batch."""
    some.create(*named(orders))
    some.deliver()
    found = [piece for piece in pieces(daemon.documents(2 * orders)) if "hook" in piece.notes]
    return sorted(found, key=lambda piece: str(piece.notes["id"]))


def root(some: Batching, order: str, version: int = 1) -> str:
    place = find_place(some.flow.history("order", order)[version - 1].trace)
    return place.root if place else ""


def test_each_effect_of_a_batch_is_found_in_the_trace_of_its_own_event(tracer: XrayTracer, daemon: XrayDaemon) -> None:
    some = batching(tracer)
    spans = delivered(daemon, some, 3)
    roots = [root(some, order) for order in named(3)]
    assert [(piece.trace, piece.notes["id"], piece.notes["effects"]) for piece in spans] == [
        (roots[0], "000", 3),
        (roots[1], "001", 3),
        (roots[2], "002", 3),
    ]
    assert len(set(roots)) == 3
    assert [piece.notes.get("batch", "") for piece in spans] == ["", roots[0], roots[0]]


def test_who_is_named_is_red_and_so_is_the_run_of_all(tracer: XrayTracer, daemon: XrayDaemon) -> None:
    spans = delivered(daemon, batching(tracer, failing("001")), 3)
    assert [piece.errors for piece in spans] == [
        ("ValueError: 1 of 3 failed",),
        ("ValueError: ValueError: no",),
        (),
    ]
    assert [piece.is_failed for piece in spans] == [True, True, False]
    assert [piece.notes.get("failed", "") for piece in spans] == ["sync", "sync", ""]


def test_an_answer_that_is_none_is_the_failure_of_all(tracer: XrayTracer, daemon: XrayDaemon) -> None:
    told = "TypeError: a batched hook returns None or a map by the keys of effects, not int"
    spans = delivered(daemon, batching(tracer, lambda effects: 7), 2)
    assert [piece.errors for piece in spans] == [(f"TypeError: {told}",)] * 2


def test_what_a_batch_raises_is_told_of_each(tracer: XrayTracer, daemon: XrayDaemon) -> None:
    def away(effects: object) -> object:
        raise OSError("503")

    spans = [span for span in delivered(daemon, batching(tracer, away), 2) if span.notes["effects"] == 2]
    assert [(span.notes["id"], span.errors) for span in spans] == [
        ("000", ("OSError: OSError: 503",)),
        ("001", ("OSError: OSError: 503",)),
    ]


def test_what_follows_an_effect_of_a_batch_is_of_its_own_trace(tracer: XrayTracer) -> None:
    def paid(effects: Any) -> dict[str, Any]:
        return {effect.key: {"amount": 1000} for effect in effects if effect.version == 1}

    some = batching(tracer, paid, using(SYNCED, "sync", then="pay"))
    some.create(*named(3))
    some.deliver()
    assert [root(some, order, 2) for order in named(3)] == [root(some, order) for order in named(3)]


def test_a_tracer_in_memory_says_with_whom_it_was_run() -> None:
    tracer = MemoryTracer()
    some = batching(tracer, failing("001"))
    some.create(*named(2))
    some.deliver()
    made, *_, first, second = tracer.spans
    assert (first.parent, first.batch, first.error) == (made.id, "", "1 of 2 failed")
    assert (second.trace_id != first.trace_id, second.batch, second.error) == (True, first.id, "ValueError: no")


def test_what_is_not_kept_is_not_kept_of_a_batch_either(tracer: XrayTracer, recorder: Any, daemon: XrayDaemon) -> None:
    class Never:
        def should_trace(self, request: object = None) -> bool:
            return False

    recorder.configure(sampling=True, sampler=Never())
    some = batching(tracer)
    some.create(*named(3))
    some.deliver()
    assert daemon.documents() == []
