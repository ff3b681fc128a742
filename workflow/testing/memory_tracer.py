"""Traces in memory: every span as plain values, for tests that ask what led to what."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import count
from typing import NamedTuple

from workflow.runtime.tracing import Notes


class TracedSpan(NamedTuple):
    """One span: `id` is its own, `parent` that of the span it is within or follows, '' for the first of its trace.
    `error` is what it was failed with, '' for an error known by its class (`error_kind`) alone. `batch` is the id of
    the span it was done together with."""

    id: str
    parent: str
    trace_id: str
    name: str
    notes: Mapping[str, str | int]
    error: str = ""
    error_kind: str = ""
    batch: str = ""


class MemoryTracer:
    """Keeps every span that was begun, in that order, over all threads."""

    is_on = True

    def __init__(self) -> None:
        self._spans: dict[str, TracedSpan] = {}
        self._ids = count(1)
        self._lock = threading.Lock()
        self._thread = threading.local()

    @property
    def spans(self) -> list[TracedSpan]:
        """What was begun so far, as it stands."""
        with self._lock:
            return list(self._spans.values())

    @contextmanager
    def span(self, name: str, notes: Notes, *, follows: str = "", batch: str = "") -> Iterator[MemorySpan]:
        """As the port says; `follows` is `trace/span`, and what is no span of this tracer begins a new trace."""
        under_way = self._under_way()
        span = self._begin(name, notes, under_way[-1].trace if under_way else follows, batch)
        under_way.append(span)
        try:
            yield span
        except BaseException as raised:
            span.mark("", type(raised).__name__)
            raise
        finally:
            under_way.remove(span)

    def current(self) -> str:
        """As the port says."""
        under_way = self._under_way()
        return under_way[-1].trace if under_way else ""

    def _under_way(self) -> list[MemorySpan]:
        found: list[MemorySpan] = self._thread.__dict__.setdefault("spans", [])
        return found

    def _begin(self, name: str, notes: Notes, follows: str, batch: str) -> MemorySpan:
        with self._lock:
            parent = self._spans.get(follows.rpartition("/")[2])
            id = f"span-{next(self._ids)}"
            trace_id = parent.trace_id if parent else id.replace("span", "trace")
            begun = TracedSpan(id, parent.id if parent else "", trace_id, name, dict(notes))
            self._spans[id] = begun._replace(batch=batch.rpartition("/")[2])
        return MemorySpan(self, id, f"{trace_id}/{id}")

    def keep(self, id: str, **changes: object) -> None:
        """Keeps more of a span: fields of TracedSpan, and `notes` that are added to it."""
        with self._lock:
            before = self._spans[id]
            notes = changes.pop("notes", {})
            assert isinstance(notes, Mapping)
            self._spans[id] = before._replace(notes={**before.notes, **notes}, **changes)  # type: ignore[arg-type]


class MemorySpan:
    """A span under way."""

    def __init__(self, tracer: MemoryTracer, id: str, trace: str) -> None:
        self._tracer, self._id = tracer, id
        self._is_marked = False
        self.trace = trace

    def note(self, notes: Notes) -> None:
        """As the port says."""
        self._tracer.keep(self._id, notes=notes)

    def fail(self, error: str, kind: str) -> None:
        """As the port says."""
        self.mark(error, kind)

    def refuse(self, kind: str) -> None:
        """As the port says; as an error known by its class."""
        self.mark("", kind)

    def mark(self, error: str, kind: str) -> None:
        """The same, unless it has failed already."""
        if not self._is_marked:
            self._is_marked = True
            self._tracer.keep(self._id, error=error, error_kind=kind)
