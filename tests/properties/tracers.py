"""The tracers that are shipped, side by side, and all that they send."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
from aws_xray_sdk.core import AWSXRayRecorder
from aws_xray_sdk.core.context import Context
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from demo.trace.daemon import TraceDaemon
from workflow.aws.tracing.otel import OtelTracer
from workflow.aws.tracing.told import DiscreetEmitter
from workflow.aws.tracing.xray import XrayTracer
from workflow.runtime.tracing import Span, Tracer


class Spans:
    """One stretch of work, as each tracer keeps it."""

    def __init__(self, spans: list[Span]) -> None:
        self._spans = spans
        self.trace = spans[0].trace

    def note(self, notes: Mapping[str, str | int]) -> None:
        for span in self._spans:
            span.note(notes)

    def fail(self, error: str, kind: str) -> None:
        for span in self._spans:
            span.fail(error, kind)

    def refuse(self, kind: str) -> None:
        for span in self._spans:
            span.refuse(kind)


class Tracers:
    """Several tracers as one; traces are those of the first."""

    is_on = True

    def __init__(self, *tracers: Tracer) -> None:
        self._tracers = tracers

    @contextmanager
    def span(self, name: str, notes: Mapping[str, str | int], *, follows: str = "", batch: str = "") -> Iterator[Spans]:
        with ExitStack() as stack:
            spans = [one.span(name, notes, follows=follows, batch=batch) for one in self._tracers]
            yield Spans([stack.enter_context(span) for span in spans])

    def current(self) -> str:
        return self._tracers[0].current()


class Sent:
    """What was sent to X-Ray's daemon and to OpenTelemetry's exporter."""

    def __init__(self, recorder: AWSXRayRecorder, daemon: TraceDaemon, exporter: InMemorySpanExporter) -> None:
        self.tracer = Tracers(XrayTracer(recorder), OtelTracer())
        self._daemon, self._exporter = daemon, exporter

    def to_xray(self) -> list[str]:
        """Every document; to be asked once the daemon is closed."""
        return [json.dumps(document) for document in self._daemon.documents()]

    def to_opentelemetry(self) -> list[str]:
        """Every span."""
        return [span.to_json(indent=None) for span in self._exporter.get_finished_spans()]


@contextmanager
def shipped_tracers(recorder: Any) -> Iterator[Sent]:
    """Both tracers, until the block ends; then everything has been sent."""
    provider, exporter = TracerProvider(), InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    with pytest.MonkeyPatch.context() as patch, TraceDaemon() as daemon:
        patch.delenv("_X_AMZN_TRACE_ID", raising=False)
        patch.setattr(trace, "_TRACER_PROVIDER", provider)
        emitter = DiscreetEmitter(daemon.address)
        # All that nobody has decided on is kept.
        given = {"_context": Context("IGNORE_ERROR"), "_sampling": False, "_service": "shop", "_emitter": emitter}
        for name, value in given.items():
            patch.setattr(recorder, name, value)
        # As where a process opens its tracer: the SDK would log each document.
        patch.setattr(logging.getLogger("aws_xray_sdk"), "level", logging.CRITICAL)
        patch.setattr(logging.getLogger("aws_xray_sdk"), "_cache", {})
        yield Sent(recorder, daemon, exporter)
        emitter._socket.close()
