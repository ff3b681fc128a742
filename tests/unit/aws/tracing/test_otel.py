"""Spans as OpenTelemetry gets them, by its own SDK."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import NonRecordingSpan, SpanContext, StatusCode, TraceFlags

from tests.fakes.records import records
from tests.unit.runtime.delivery import Bench
from tests.unit.testing import test_memory_tracer as a_story
from workflow import Workflow
from workflow.aws.lambdas.stream import StreamHandler
from workflow.aws.tracing.otel import OtelTracer
from workflow.engine.events import Event
from workflow.testing import MemoryClock, MemoryDelivery, MemoryStore

ID, PARENT = "5759e988bd862e3fe1be46a994272793", "53995c3f42cd8ad8"
XRAY = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemorySpanExporter]:
    """What the global provider exports."""
    monkeypatch.delenv("_X_AMZN_TRACE_ID", raising=False)
    provider, exporter = TracerProvider(), InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", provider)
    yield exporter
    provider.shutdown()


@pytest.fixture
def tracer(kept: InMemorySpanExporter) -> OtelTracer:
    return OtelTracer()


def only(kept: InMemorySpanExporter) -> ReadableSpan:
    (span,) = kept.get_finished_spans()
    return span


def ids(span: ReadableSpan) -> tuple[str, str]:
    """Of its trace, and of its parent."""
    assert span.context is not None
    return f"{span.context.trace_id:032x}", f"{span.parent.span_id:016x}" if span.parent else ""


def links(span: ReadableSpan) -> list[str]:
    return [f"{link.context.trace_id:032x}" for link in span.links]


def test_a_span_has_its_notes_under_a_name_of_our_own(tracer: OtelTracer, kept: InMemorySpanExporter) -> None:
    with tracer.span("pay order", {"kind": "order", "id": "42", "state": ""}) as span:
        span.note({"state": "paid", "version": 2})

    found = only(kept)
    assert (found.name, dict(found.attributes or {})) == (
        "pay order",
        {"workflow.kind": "order", "workflow.id": "42", "workflow.state": "paid", "workflow.version": 2},
    )
    assert found.context is not None
    context = found.context
    assert span.trace == f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"
    assert (found.parent, found.status.status_code) == (None, StatusCode.UNSET)


@pytest.mark.parametrize("follows", [f"00-{ID}-{PARENT}-01", XRAY, XRAY.removesuffix(";Sampled=1")])
def test_it_goes_on_from_a_traceparent_and_from_xrays_header(
    tracer: OtelTracer, kept: InMemorySpanExporter, follows: str
) -> None:
    with tracer.span("send_receipt", {}, follows=follows) as span:
        pass
    assert ids(only(kept)) == (ID, PARENT)
    assert span.trace.startswith(f"00-{ID}-")


@pytest.mark.parametrize("follows", [f"00-{ID}-{PARENT}-00", XRAY.replace("Sampled=1", "Sampled=0")])
def test_what_is_not_sampled_is_not_kept_and_goes_on_so(
    tracer: OtelTracer, kept: InMemorySpanExporter, follows: str
) -> None:
    with tracer.span("send_receipt", {}, follows=follows) as span:
        pass
    assert (kept.get_finished_spans(), span.trace[:35], span.trace[-3:]) == ((), f"00-{ID}", "-00")


@pytest.mark.parametrize("follows", ["x", "00-" * 500, "Root=1-5759e988-bd862e3fe1be46a994272793", "\ud800"])
def test_what_names_no_span_begins_a_new_trace(tracer: OtelTracer, kept: InMemorySpanExporter, follows: str) -> None:
    with tracer.span("send_receipt", {}, follows=follows):
        pass
    assert (ids(only(kept))[1], links(only(kept))) == ("", [])


def test_within_another_span_it_is_a_part_of_that(tracer: OtelTracer, kept: InMemorySpanExporter) -> None:
    with trace.get_tracer("application").start_as_current_span("request") as request:
        with tracer.span("pay order", {}) as span:
            assert tracer.current() == span.trace
        under_way = request.get_span_context()
    assert tracer.current() == ""
    assert ids(kept.get_finished_spans()[0]) == (f"{under_way.trace_id:032x}", f"{under_way.span_id:016x}")


def test_what_follows_something_is_no_part_of_a_span_that_is_not_ours_and_linked_to_it(
    tracer: OtelTracer, kept: InMemorySpanExporter
) -> None:
    with trace.get_tracer("application").start_as_current_span("invocation") as invocation:
        with tracer.span("send_receipt", {}, follows=XRAY) as span:
            assert tracer.current() == span.trace
        assert trace.get_current_span() is invocation
        under_way = f"{invocation.get_span_context().trace_id:032x}"

    receipt = kept.get_finished_spans()[0]
    assert (ids(receipt), links(receipt)) == ((ID, PARENT), [under_way])


def test_what_follows_something_within_our_own_is_a_part_of_that_whatever_is_begun_in_between(
    tracer: OtelTracer, kept: InMemorySpanExporter
) -> None:
    application = trace.get_tracer("application")
    with (
        application.start_as_current_span("invocation"),
        tracer.span("send_receipt", {}, follows=XRAY),
        application.start_as_current_span("provider"),
        tracer.span("ship order", {}, follows=f"00-{'a' * 32}-{'b' * 16}-01"),
    ):
        pass
    ship, provider, *_ = kept.get_finished_spans()
    assert provider.context is not None
    assert (ids(ship), "a" * 32 in links(ship)) == ((ID, f"{provider.context.span_id:016x}"), True)


@pytest.mark.parametrize("workers", [1, 4])
def test_under_an_instrumented_invocation_each_hook_is_of_the_trace_of_its_event(
    tracer: OtelTracer, kept: InMemorySpanExporter, workers: int
) -> None:
    bench = Bench()
    object.__setattr__(bench.flow.runtime, "tracer", tracer)
    for order in ("41", "42", "43"):
        bench.paid(order)
    made = {(order, event.version): event.trace[:-3] for order in ("41", "42", "43") for event in history(bench, order)}
    kept.clear()
    with trace.get_tracer("adot").start_as_current_span("invocation"):
        StreamHandler(bench.flow.runtime, workers=workers).handle(records(bench.store), 60_000)

    runs = [span for span in kept.get_finished_spans() if "workflow.hook" in (span.attributes or {})]
    ran = {(told(run, "id"), told(run, "version")): "00-{}-{}".format(*ids(run)) for run in runs}
    assert (len(runs), ran) == (9, made)


def history(bench: Bench, order: str) -> Sequence[Event]:
    return bench.flow.history("order", order)


def is_sampled(traceparent: str) -> bool:
    return bool(int(traceparent[-2:], 16) & 1)


def told(span: ReadableSpan, name: str) -> Any:
    return (span.attributes or {})[f"workflow.{name}"]


def test_under_instrumented_invocations_timers_and_lanes_go_on_from_what_led_to_them(
    tracer: OtelTracer, kept: InMemorySpanExporter, tmp_path: Path
) -> None:
    (tmp_path / "order.yaml").write_text(a_story.ORDER)
    (tmp_path / "job.yaml").write_text(a_story.JOB)
    clock = MemoryClock()
    handlers = [a_story.approve, a_story.bill, a_story.open_job, a_story.build]
    flow = Workflow(tmp_path, MemoryStore(), handlers=handlers, clock=clock, tracer=tracer)
    delivery = MemoryDelivery(flow)
    flow.create("order", "42", {"email": "ada@example.com"})
    adot = trace.get_tracer("adot")
    with adot.start_as_current_span("stream"):
        delivery.run()
    clock.advance(61)
    with adot.start_as_current_span("sweep"):
        delivery.sweep()

    own = [span for span in kept.get_finished_spans() if "workflow.kind" in (span.attributes or {})]
    assert {"fetch order", "start job", "build"} <= {span.name for span in own}
    assert {ids(span)[0] for span in own} == {flow.history("order", "42")[0].trace[3:35]}


UNSAMPLED = XRAY.replace("Sampled=1", "Sampled=0")


def test_an_invocation_that_lambda_does_not_sample_decides_nothing(
    tracer: OtelTracer, kept: InMemorySpanExporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("_X_AMZN_TRACE_ID", UNSAMPLED)
    with tracer.span("api PUT", {}, follows=UNSAMPLED) as span:
        pass
    assert (ids(only(kept))[1], links(only(kept)), is_sampled(span.trace)) == ("", [], True)
    assert ids(only(kept))[0] != ID


def test_nor_does_what_an_instrumented_lambda_makes_of_it(
    tracer: OtelTracer, kept: InMemorySpanExporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("_X_AMZN_TRACE_ID", UNSAMPLED)
    dark = NonRecordingSpan(SpanContext(int(ID, 16), 7, is_remote=False))
    with trace.use_span(dark), tracer.span("api PUT", {}, follows=UNSAMPLED) as span:
        pass
    assert (ids(only(kept))[1], links(only(kept)), is_sampled(span.trace)) == ("", [], True)


@pytest.mark.parametrize("invocation", [XRAY, ""])
def test_a_request_is_a_part_of_the_span_that_an_instrumented_lambda_has_made_of_it(
    tracer: OtelTracer, kept: InMemorySpanExporter, monkeypatch: pytest.MonkeyPatch, invocation: str
) -> None:
    monkeypatch.setenv("_X_AMZN_TRACE_ID", invocation)
    lambda_own = SpanContext(int(ID, 16), int(PARENT, 16), is_remote=True, trace_flags=TraceFlags(1))
    context = trace.set_span_in_context(NonRecordingSpan(lambda_own))
    with (
        trace.get_tracer("adot").start_as_current_span("invocation", context=context),
        tracer.span("api PUT", {}, follows=XRAY),
    ):
        pass
    request, instrumented = kept.get_finished_spans()
    assert instrumented.context is not None
    assert ids(request) == (ID, f"{instrumented.context.span_id:016x}")


def test_a_request_is_a_part_of_it_although_that_knows_nothing_of_xray(
    tracer: OtelTracer, kept: InMemorySpanExporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("_X_AMZN_TRACE_ID", XRAY)
    with (
        trace.get_tracer("adot").start_as_current_span("invocation") as instrumented,
        tracer.span("api PUT", {}, follows=XRAY),
    ):
        own = instrumented.get_span_context()
    assert ids(kept.get_finished_spans()[0]) == (f"{own.trace_id:032x}", f"{own.span_id:016x}")


def test_an_application_that_keeps_nothing_decides_for_what_is_within(
    tracer: OtelTracer, kept: InMemorySpanExporter
) -> None:
    unsampled = NonRecordingSpan(SpanContext(int(ID, 16), 7, is_remote=False))
    with trace.use_span(unsampled), tracer.span("pay order", {}) as span:
        pass
    assert (kept.get_finished_spans(), span.trace[-3:]) == ((), "-00")


def test_what_was_run_in_a_batch_is_linked_to_the_run(tracer: OtelTracer, kept: InMemorySpanExporter) -> None:
    with tracer.span("send_receipt", {}, follows=f"00-{'a' * 32}-{'b' * 16}-01", batch=XRAY):
        pass
    assert (ids(only(kept)), links(only(kept))) == (("a" * 32, "b" * 16), [ID])


def test_a_processor_that_breaks_at_the_end_never_breaks_the_work(kept: InMemorySpanExporter) -> None:
    class Breaks(SpanProcessor):
        def on_end(self, span: ReadableSpan) -> None:
            raise RuntimeError("the processor is broken")

    trace.get_tracer_provider().add_span_processor(Breaks())  # type: ignore[attr-defined]
    tracer = OtelTracer()
    with tracer.span("send_receipt", {}):
        pass
    assert tracer.current() == ""


def test_what_is_refused_is_named_and_has_not_failed(tracer: OtelTracer, kept: InMemorySpanExporter) -> None:
    with tracer.span("api PUT", {}) as span:
        span.refuse("refused")
    found = only(kept)
    assert (found.status.status_code, dict(found.attributes or {})) == (StatusCode.UNSET, {"error.type": "refused"})


@pytest.mark.parametrize(("invocation", "linked"), [(XRAY, [ID]), (UNSAMPLED, [])])
def test_the_invocation_that_lambda_traces_is_linked(
    tracer: OtelTracer,
    kept: InMemorySpanExporter,
    monkeypatch: pytest.MonkeyPatch,
    invocation: str,
    linked: list[str],
) -> None:
    monkeypatch.setenv("_X_AMZN_TRACE_ID", invocation)
    with tracer.span("send_receipt", {}, follows=f"00-{'a' * 32}-{'b' * 16}-01"):
        pass
    assert (ids(only(kept)), links(only(kept))) == (("a" * 32, "b" * 16), linked)


def test_a_failure_is_told_in_the_words_it_was_given(tracer: OtelTracer, kept: InMemorySpanExporter) -> None:
    with tracer.span("send_receipt", {}) as span:
        span.fail("MailRefusedError: *** is not known", "MailRefusedError")
    found = only(kept)
    assert (found.status.status_code, found.status.description) == (
        StatusCode.ERROR,
        "MailRefusedError: *** is not known",
    )
    assert (found.events, dict(found.attributes or {})) == ((), {"error.type": "MailRefusedError"})


def test_an_error_that_leaves_the_block_is_told_by_its_class_alone_and_goes_on(
    tracer: OtelTracer, kept: InMemorySpanExporter
) -> None:
    with pytest.raises(ValueError, match="ada@"), tracer.span("send_receipt", {}):
        raise ValueError("ada@example.com")
    found = only(kept)
    assert (found.status.status_code, found.status.description, found.events) == (StatusCode.ERROR, "ValueError", ())
    assert "ada@" not in found.to_json()


def test_without_a_provider_nothing_is_kept_and_the_event_keeps_what_it_followed() -> None:
    with OtelTracer().span("send_receipt", {"kind": "order"}, follows=XRAY) as span:
        span.note({"state": "paid"})
        span.fail("no", "ValueError")
    assert span.trace == f"00-{ID}-{PARENT}-01"


def test_a_provider_that_breaks_never_breaks_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken(trace.Tracer):
        def start_span(self, *_: Any, **__: Any) -> Any:
            raise RuntimeError("the provider is broken")

        start_as_current_span: Any = start_span

    tracer = OtelTracer()
    monkeypatch.setattr(tracer, "_tracer", Broken())
    with tracer.span("send_receipt", {"kind": "order"}) as span:
        span.note({"state": "paid"})
    assert span.trace == ""
