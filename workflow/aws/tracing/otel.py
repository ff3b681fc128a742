"""Traces kept by OpenTelemetry: spans of whatever tracer provider the process has."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Link, NonRecordingSpan, SpanContext, Status, StatusCode, TraceFlags

from workflow.aws.tracing.place import Place, find_invocation, find_place
from workflow.runtime.tracing import Notes
from workflow.version import VERSION


class OtelTracer:
    """Spans of the global tracer provider, which the application or its Lambda layer sets; without one nothing is kept,
    and what goes on from an event is passed on as it was."""

    is_on = True

    def __init__(self) -> None:
        # Looks for the provider anew until there is one.
        self._tracer = trace.get_tracer("workflow", VERSION)

    @contextmanager
    def span(self, name: str, notes: Notes, *, follows: str = "") -> Iterator[OtelSpan]:
        """A span until the block ends; `follows` is a traceparent, or a trace header of X-Ray's."""
        span = OtelSpan(self._begun(name, notes, find_place(follows)))
        # By hand in place of the library's own way, which keeps the words of every error.
        with trace.use_span(span.otel, end_on_exit=True, record_exception=False, set_status_on_exception=False):
            try:
                yield span
            except BaseException as raised:
                span.mark("", type(raised).__name__)
                raise

    def current(self) -> str:
        """The traceparent to go on from here."""
        return _traceparent(trace.get_current_span())

    def _begun(self, name: str, notes: Notes, follows: Place | None) -> trace.Span:
        try:
            under_way = trace.get_current_span()
            parent = under_way.get_span_context()
            context = None
            if not parent.is_valid and follows and follows.span_id:
                parent = _span_context(follows)
                context = trace.set_span_in_context(NonRecordingSpan(parent), Context())
            others = [follows, find_invocation()]
            links = [Link(_span_context(other)) for other in others if other and _is_apart(other, parent)]
            attributes = {f"workflow.{name}": value for name, value in notes.items() if value != ""}
            return self._tracer.start_span(name, context=context, links=links, attributes=attributes)
        except Exception:
            return trace.INVALID_SPAN


class OtelSpan:
    """A span, marked in words that quote nothing sensitive."""

    def __init__(self, otel: trace.Span) -> None:
        self.otel = otel
        self.trace = _traceparent(otel)
        self._is_marked = False

    def note(self, notes: Notes) -> None:
        """Keeps attributes, each under `workflow.`"""
        with suppress(Exception):
            self.otel.set_attributes({f"workflow.{name}": value for name, value in notes.items() if value != ""})

    def fail(self, error: str, kind: str) -> None:
        """Sets the status to ERROR."""
        self.mark(error, kind)

    def mark(self, error: str, kind: str) -> None:
        """The same, unless it is marked already."""
        if self._is_marked:
            return
        self._is_marked = True
        with suppress(Exception):
            self.otel.set_status(Status(StatusCode.ERROR, error or kind))
            # https://opentelemetry.io/docs/specs/semconv/attributes-registry/error/
            self.otel.set_attribute("error.type", kind)


def _is_apart(other: Place, parent: SpanContext) -> bool:
    return bool(other.span_id) and int(other.trace_id, 16) != parent.trace_id


def _span_context(place: Place) -> SpanContext:
    # Who has not decided leaves it to the first who is asked: nobody else would ever keep it.
    sampled = TraceFlags.SAMPLED if place.sampled in (True, None) else TraceFlags.DEFAULT
    return SpanContext(int(place.trace_id, 16), int(place.span_id, 16), is_remote=True, trace_flags=TraceFlags(sampled))


def _traceparent(span: Any) -> str:
    """https://www.w3.org/TR/trace-context/#traceparent-header"""
    with suppress(Exception):
        at = span.get_span_context()
        if at.is_valid:
            return f"00-{at.trace_id:032x}-{at.span_id:016x}-{at.trace_flags:02x}"
    return ""
