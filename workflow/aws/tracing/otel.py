"""Traces kept by OpenTelemetry: spans of whatever tracer provider the process has."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from opentelemetry import trace
from opentelemetry.context import Context, attach, create_key, detach, get_current, get_value, set_value
from opentelemetry.trace import Link, NonRecordingSpan, SpanContext, Status, StatusCode, TraceFlags

from workflow.aws.tracing.place import Place, find_invocation, find_place
from workflow.runtime.tracing import Notes
from workflow.version import VERSION

_OURS = create_key("workflow-span")
"""Marks the context of our own spans: an instrumented Lambda has one of its invocation under way, which is no part of
the story of any entity."""


class OtelTracer:
    """Spans of the global tracer provider, which the application or its Lambda layer sets; without one nothing is kept,
    and what goes on from an event is passed on as it was."""

    is_on = True
    """Also without a provider: a process that keeps nothing must not end a trace that others keep."""

    def __init__(self) -> None:
        # Looks for the provider anew until there is one.
        self._tracer = trace.get_tracer("workflow", VERSION)

    @contextmanager
    def span(self, name: str, notes: Notes, *, follows: str = "", batch: str = "") -> Iterator[OtelSpan]:
        """A span until the block ends; `follows` and `batch` are traceparents, or trace headers of X-Ray's."""
        otel, context = self._begun(name, notes, find_place(follows), find_place(batch))
        span = OtelSpan(otel)
        # By hand in place of the library's own way, which keeps the words of every error.
        token = attach(set_value(_OURS, True, trace.set_span_in_context(otel, context)))
        try:
            yield span
        except BaseException as raised:
            span.mark("", type(raised).__name__)
            raise
        finally:
            detach(token)
            with suppress(Exception):
                otel.end()

    def current(self) -> str:
        """The traceparent to go on from here."""
        return _traceparent(trace.get_current_span())

    def _begun(
        self, name: str, notes: Notes, follows: Place | None, batch: Place | None
    ) -> tuple[trace.Span, Context | None]:
        try:
            context = _context(follows)
            parent = trace.get_current_span(context).get_span_context()
            links = [Link(other) for other in _apart(parent, follows, find_invocation())]
            if batch and batch.span_id and batch.sampled is not False:
                links.append(Link(_span_context(batch)))
            attributes = {f"workflow.{name}": value for name, value in notes.items() if value != ""}
            return self._tracer.start_span(name, context=context, links=links, attributes=attributes), context
        except Exception:
            return trace.INVALID_SPAN, None


class OtelSpan:
    """A span, marked in words that quote nothing sensitive."""

    def __init__(self, otel: trace.Span) -> None:
        self._otel = otel
        self.trace = _traceparent(otel)
        self._is_marked = False

    def note(self, notes: Notes) -> None:
        """Keeps attributes, each under `workflow.`"""
        with suppress(Exception):
            self._otel.set_attributes({f"workflow.{name}": value for name, value in notes.items() if value != ""})

    def fail(self, error: str, kind: str) -> None:
        """Sets the status to ERROR."""
        self.mark(error, kind)

    def refuse(self, kind: str) -> None:
        """Names the error, and leaves the status as it is: of a request that was refused, no server has failed.
        https://opentelemetry.io/docs/specs/semconv/http/http-spans/#status"""
        if not self._is_marked:
            self._is_marked = True
            self._name_error(kind)

    def mark(self, error: str, kind: str) -> None:
        """The same as `fail`, unless it is marked already."""
        if self._is_marked:
            return
        self._is_marked = True
        with suppress(Exception):
            self._otel.set_status(Status(StatusCode.ERROR, error or kind))
        self._name_error(kind)

    def _name_error(self, kind: str) -> None:
        with suppress(Exception):
            # https://opentelemetry.io/docs/specs/semconv/attributes-registry/error/
            self._otel.set_attribute("error.type", kind)


def _context(follows: Place | None) -> Context:
    """What a span begins in: the one under way if it is ours, else what it follows, else what is under way."""
    current = get_current()
    if get_value(_OURS, current):
        return current
    span = trace.get_current_span(current)
    under_way = span.get_span_context()
    if follows and follows.span_id and not _is_undecided(follows) and not _is_followed_by(span, follows):
        return trace.set_span_in_context(NonRecordingSpan(_span_context(follows)), Context())
    is_dark = under_way.is_valid and _is_undecided(_place(under_way))
    return Context() if is_dark else current


def _is_undecided(place: Place) -> bool:
    """Whether only Lambda says that it is not sampled: it does so wherever X-Ray's own tracing is not active, and what
    followed that would never be kept by anybody.
    https://docs.aws.amazon.com/lambda/latest/dg/services-xray.html"""
    invocation = find_invocation()
    return invocation is not None and invocation.trace_id == place.trace_id and place.sampled is False


def _is_followed_by(span: trace.Span, follows: Place) -> bool:
    """Whether the span under way has taken up the same itself: an instrumented Lambda's does with a request's."""
    under_way, parent = span.get_span_context(), getattr(span, "parent", None)
    is_request = follows == find_invocation() or (parent is not None and parent.span_id == int(follows.span_id, 16))
    return under_way.is_valid and is_request and not _is_undecided(_place(under_way))


def _apart(parent: SpanContext, *others: Place | None) -> list[SpanContext]:
    """The places of other traces that are kept, and what is under way: one of each trace."""
    known = [_span_context(other) for other in others if other and other.span_id]
    found = {place.trace_id: place for place in [*known, trace.get_current_span().get_span_context()]}
    kept = [place for place in found.values() if place.is_valid and place.trace_flags.sampled]
    return [place for place in kept if place.trace_id != parent.trace_id]


def _place(at: SpanContext) -> Place:
    return Place(f"{at.trace_id:032x}", f"{at.span_id:016x}", at.trace_flags.sampled)


def _span_context(place: Place) -> SpanContext:
    # Who has not decided leaves it to the first who is asked: nobody else would ever keep it.
    sampled = TraceFlags.DEFAULT if place.sampled is False else TraceFlags.SAMPLED
    return SpanContext(int(place.trace_id, 16), int(place.span_id, 16), is_remote=True, trace_flags=TraceFlags(sampled))


def _traceparent(span: Any) -> str:
    """https://www.w3.org/TR/trace-context/#traceparent-header"""
    with suppress(Exception):
        at = span.get_span_context()
        if at.is_valid:
            return f"00-{at.trace_id:032x}-{at.span_id:016x}-{at.trace_flags:02x}"
    return ""
