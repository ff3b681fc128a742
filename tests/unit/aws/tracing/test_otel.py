"""Spans as OpenTelemetry gets them, by its own SDK."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from workflow.aws.tracing.otel import OtelTracer

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


def test_within_another_span_it_is_a_part_of_that_and_linked_to_what_it_follows(
    tracer: OtelTracer, kept: InMemorySpanExporter
) -> None:
    with trace.get_tracer("application").start_as_current_span("request") as request:
        with tracer.span("pay order", {}, follows=XRAY) as span:
            assert tracer.current() == span.trace
        under_way = request.get_span_context()
    assert tracer.current() == ""

    paid = kept.get_finished_spans()[0]
    assert ids(paid) == (f"{under_way.trace_id:032x}", f"{under_way.span_id:016x}")
    assert links(paid) == [ID]


def test_the_invocation_that_lambda_traces_is_linked(
    tracer: OtelTracer, kept: InMemorySpanExporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("_X_AMZN_TRACE_ID", XRAY)
    with tracer.span("send_receipt", {}, follows=f"00-{'a' * 32}-{'b' * 16}-01"):
        pass
    assert (ids(only(kept)), links(only(kept))) == (("a" * 32, "b" * 16), [ID])


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
