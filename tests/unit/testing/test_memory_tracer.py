"""What leads to what, as a tracer sees it: one order's way is one story, over every process it takes."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from workflow import Effect, Workflow, hook
from workflow.errors import TransitionError
from workflow.runtime.tracing import judge
from workflow.testing import MemoryClock, MemoryDelivery, MemoryStore, MemoryTracer
from workflow.testing.memory_tracer import TracedSpan

ORDER = """\
kind: order
version: 1
initial: placed
data:
  email: {type: string, sensitive: true}
states:
  placed: {on_enter: [approve]}
  paid: {on_enter: [{run: bill, then: billed}]}
  open: {after: {1m: fetch}}
  fetched: {final: true, on_enter: [open_job]}
transitions:
  pay: {from: placed, to: paid}
  billed: {from: paid, to: open}
  fetch: {from: open, to: fetched}
"""
JOB = """\
kind: job
version: 1
initial: pending
states:
  pending: {}
  running: {on_enter: [build]}
  over: {final: true}
transitions:
  start: {from: pending, to: running}
  finish: {from: running, to: over}
lanes:
  build: {waiting: pending, running: running, limit: 1, trigger: start}
"""
EMAIL = "ada@example.com"


@hook
def approve(effect: Effect) -> None:
    effect.fire("pay")


@hook
def bill(effect: Effect) -> None:
    pass


@hook
def open_job(effect: Effect) -> None:
    effect.create("job", effect.id)


@hook
def build(effect: Effect) -> None:
    if effect.attempt == 1:
        raise ValueError(f"nothing to build for {effect.id}")


@pytest.fixture
def tracer() -> MemoryTracer:
    return MemoryTracer()


@pytest.fixture
def clock() -> MemoryClock:
    return MemoryClock()


@pytest.fixture
def flow(tmp_path: Path, tracer: MemoryTracer, clock: MemoryClock) -> Workflow:
    (tmp_path / "order.yaml").write_text(ORDER)
    (tmp_path / "job.yaml").write_text(JOB)
    handlers = [approve, bill, open_job, build]
    return Workflow(tmp_path, MemoryStore(), handlers=handlers, clock=clock, tracer=tracer)


def way(spans: list[TracedSpan]) -> list[tuple[str, str]]:
    """Each span's name, and its parent's."""
    names = {span.id: span.name for span in spans}
    return [(span.name, names.get(span.parent, "")) for span in spans]


def live(flow: Workflow, clock: MemoryClock) -> None:
    """From the order's creation to a build that takes two attempts, with nobody else's doing."""
    delivery = MemoryDelivery(flow)
    flow.create("order", "42", {"email": EMAIL})
    delivery.run()
    clock.advance(61)
    delivery.sweep()


def test_the_whole_way_of_an_order_is_one_trace(flow: Workflow, tracer: MemoryTracer, clock: MemoryClock) -> None:
    live(flow, clock)
    assert way(tracer.spans) == [
        ("create order", ""),
        ("approve", "create order"),
        ("pay order", "approve"),
        ("bill", "pay order"),
        ("billed order", "bill"),
        ("fetch order", "billed order"),
        ("open_job", "fetch order"),
        ("create job", "open_job"),
        ("start job", "create job"),
        ("build", "start job"),
        ("build", "start job"),
    ]
    assert {span.trace_id for span in tracer.spans} == {"trace-1"}


def test_what_is_noted_says_who_what_and_in_which_state(
    flow: Workflow, tracer: MemoryTracer, clock: MemoryClock
) -> None:
    live(flow, clock)
    fetch, open_job = tracer.spans[5:7]
    about = {"kind": "order", "id": "42", "trigger": "fetch", "state": "fetched", "version": 4}
    assert (fetch.notes, open_job.notes) == (about, {**about, "hook": "open_job", "attempt": 1, "effects": 1})


def test_a_failed_run_is_marked_and_the_next_one_is_not(
    flow: Workflow, tracer: MemoryTracer, clock: MemoryClock
) -> None:
    live(flow, clock)
    assert [(span.error, span.error_kind, span.notes["attempt"]) for span in tracer.spans if span.name == "build"] == [
        ("ValueError: nothing to build for 42", "ValueError", 1),
        ("", "", 2),
    ]


def test_what_is_kept_on_an_event_is_the_span_that_made_it(
    flow: Workflow, tracer: MemoryTracer, clock: MemoryClock
) -> None:
    live(flow, clock)
    made = {
        span.notes["version"]: f"{span.trace_id}/{span.id}"
        for span in tracer.spans
        if way([span])[0][0].endswith(" order")
    }
    assert {event.version: event.trace for event in flow.history("order", "42")} == made


def test_a_refused_request_is_marked_by_its_class(flow: Workflow, tracer: MemoryTracer) -> None:
    flow.create("order", "42", {"email": EMAIL})
    with pytest.raises(TransitionError):
        flow.fire("order", "42", "fetch")
    assert tracer.spans[-1][3:] == (
        "fetch order",
        {"kind": "order", "id": "42", "trigger": "fetch"},
        "",
        "TransitionError",
        "",
    )


def test_no_span_shows_a_sensitive_value(flow: Workflow, tracer: MemoryTracer, clock: MemoryClock) -> None:
    live(flow, clock)
    assert EMAIL not in repr(tracer.spans)


def test_a_span_on_another_thread_is_of_another_trace_unless_it_follows(tracer: MemoryTracer) -> None:
    with tracer.span("outer", {}) as outer:

        def work() -> None:
            with tracer.span("alone", {}), tracer.span("inner", {}):
                pass
            with tracer.span("following", {}, follows=outer.trace):
                pass

        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    assert way(tracer.spans) == [("outer", ""), ("alone", ""), ("inner", "alone"), ("following", "outer")]
    assert tracer.current() == ""


def test_what_is_no_span_of_this_tracer_begins_a_new_trace(tracer: MemoryTracer) -> None:
    with tracer.span("one", {}, follows="Root=1-5759e988-bd862e3fe1be46a994272793"):
        pass
    assert [(span.parent, span.trace_id) for span in tracer.spans] == [("", "trace-1")]


def test_a_request_that_is_refused_is_known_by_what_it_came_to(tracer: MemoryTracer) -> None:
    with tracer.span("api PUT", {}) as span:
        judge(span, 409, "refused")
    assert [(one.error, one.error_kind, one.notes) for one in tracer.spans] == [
        ("", "refused", {"outcome": "refused", "status": 409})
    ]
