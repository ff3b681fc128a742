"""Traces kept by AWS X-Ray: segments that continue each other over processes, through the SDK's own recorder."""

from __future__ import annotations

import logging
import os
import re
from contextlib import suppress
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

from aws_xray_sdk import global_sdk_config
from aws_xray_sdk.core import xray_recorder
from aws_xray_sdk.core.context import Context
from aws_xray_sdk.core.lambda_launcher import LambdaContext
from aws_xray_sdk.core.models.trace_header import TraceHeader
from aws_xray_sdk.core.models.traceid import TraceId

from workflow.aws.tracing.boto_calls import trace_calls
from workflow.aws.tracing.place import Place, find_invocation, find_place
from workflow.aws.tracing.told import DiscreetEmitter, mark
from workflow.aws.tracing.under_way import find_open, open_entities
from workflow.errors import Refused
from workflow.runtime.tracing import Notes

log = logging.getLogger("workflow")

_MOST_CHARACTERS = 200
_UNFIT = re.compile(r"[^\w .:/%&#=+\\@-]")
"""What a name may not hold. https://docs.aws.amazon.com/xray/latest/devguide/xray-api-segmentdocuments.html"""
_UNFIT_KEY = re.compile(r"[^A-Za-z0-9_]")
_MOST_OF_A_NOTE = 1000


def open_xray() -> XrayTracer:
    """The tracer of this process. In a Lambda the recorder is made to take segments of ours, which the SDK refuses
    there; anywhere else it stays as the application has configured it."""
    if isinstance(xray_recorder.context, LambdaContext):
        context = Context()
        context.context_missing = "IGNORE_ERROR"
        xray_recorder.configure(context=context, emitter=DiscreetEmitter())
    sdk_log = logging.getLogger("aws_xray_sdk")
    if sdk_log.level == logging.NOTSET:
        # It tells at length, on every call, of a daemon that is not there.
        sdk_log.setLevel(logging.CRITICAL)
    trace_calls(xray_recorder)
    return XrayTracer(xray_recorder)


class XrayTracer:
    """Each span is a subsegment: of what is open on its thread, an application's own middleware say, else of a segment
    of its own, which continues the trace that the span follows."""

    def __init__(self, recorder: Any) -> None:
        self._recorder = recorder

    @property
    def is_on(self) -> bool:
        """False where AWS_XRAY_SDK_ENABLED says so."""
        return bool(global_sdk_config.sdk_enabled())

    def span(self, name: str, notes: Notes, *, follows: str = "", batch: str = "") -> XraySpan:
        """A span until the block ends; `follows` and `batch` are trace headers of X-Ray's, or traceparents."""
        return XraySpan(self._recorder, name, notes, find_place(follows), find_place(batch))

    def current(self) -> str:
        """The trace header to go on from here."""
        with suppress(Exception):
            found = find_open(self._recorder)
            return "" if found is None else _header(found)
        return ""


class XraySpan:
    """A subsegment, and the segment around it if there was none. Whatever fails in it fails in silence."""

    def __init__(self, recorder: Any, name: str, notes: Notes, follows: Place | None, batch: Place | None) -> None:
        self._recorder, self._name, self._notes = recorder, name, notes
        self._follows, self._batch = follows, batch
        self._segment: Any = None
        self._subsegment: Any = None
        self._is_marked = False
        self.trace = ""

    def __enter__(self) -> XraySpan:
        try:
            self._begin()
        except Exception as error:
            log.debug("no trace is kept of %s: %s", self._name, error)
            self._end()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, raised: BaseException | None, where: TracebackType | None
    ) -> None:
        if kind is not None and not self._is_marked:
            self._mark("", kind.__name__, fault=not issubclass(kind, Refused))
        self._end()

    def note(self, notes: Notes) -> None:
        """Keeps annotations, by which traces are found."""
        with suppress(Exception):
            for name, value in notes.items():
                if value != "":
                    shown = value[:_MOST_OF_A_NOTE] if isinstance(value, str) else value
                    self._subsegment.put_annotation(_UNFIT_KEY.sub("_", name), shown)

    def fail(self, error: str, kind: str) -> None:
        """Marks it, and the segment that it made, as a fault."""
        self._mark(error, kind, fault=True)

    def refuse(self, kind: str) -> None:
        """Marks both as an error, which X-Ray counts as the caller's."""
        self._mark("", kind, fault=False)

    def _mark(self, error: str, kind: str, *, fault: bool) -> None:
        self._is_marked = True
        # A trace has a fault, and it ran this hook: only what names both finds the traces in which this hook failed.
        self.note({"failed" if fault else "refused": self._name, "error": kind})
        with suppress(Exception):
            mark(self._subsegment, kind, error, fault=fault)
            if self._segment is not None:
                # Traces and the nodes of the map are judged by segments.
                self._segment.add_fault_flag() if fault else self._segment.add_error_flag()

    def _begin(self) -> None:
        found = find_open(self._recorder)
        if found is None:
            self._segment = self._begin_segment()
        self._subsegment = self._recorder.begin_subsegment(_fit(self._name))
        self.trace = _header(self._subsegment)
        self.note({**self._notes, **self._others()})

    def _begin_segment(self) -> Any:
        follows = self._follows
        joined = follows if follows and follows.may_be_continued(datetime.now(UTC)) else None
        root = joined.root if joined else TraceId().to_id()
        parent = joined.span_id if joined else ""
        # None: nobody has decided yet whether it is kept, and the recorder's sampler does.
        decided = None if follows is None or follows.sampled is None else int(follows.sampled)
        name = self._recorder.service or os.environ.get("AWS_LAMBDA_FUNCTION_NAME") or "workflow"
        segment = self._recorder.begin_segment(_fit(name), root, parent or None, decided)
        if not segment.sampled:
            segment.save_origin_trace_header(TraceHeader(root, parent or None, 0))
        return segment

    def _others(self) -> dict[str, str]:
        """The traces that this one touches and is no part of: so both ends can be found from either."""
        own = find_place(self.trace)
        others = {"follows": self._follows, "invocation": find_invocation(), "batch": self._batch}
        return {name: place.root for name, place in others.items() if place and own and place.root != own.root}

    def _end(self) -> None:
        with suppress(Exception):
            self._close_subsegment()
        with suppress(Exception):
            if self._segment is None:
                self._recorder.stream_subsegments()
            else:
                self._close_segment()

    def _close_subsegment(self) -> None:
        entities = open_entities(self._recorder)
        if self._subsegment in entities:
            place = entities.index(self._subsegment)
            # Ours, and what was begun within and never ended.
            for left in reversed(entities[place:]):
                if left.in_progress:
                    left.close()
            del entities[place:]
        elif self._subsegment is not None and self._subsegment.in_progress:
            self._subsegment.close()

    def _close_segment(self) -> None:
        # Also where the application has put a segment of its own in the place of ours: the next work of this thread
        # must begin with nothing open.
        self._recorder.clear_trace_entities()
        if self._segment.in_progress:
            self._segment.close()
            if self._segment.sampled:
                self._recorder.emitter.send_entity(self._segment)


def _fit(name: str) -> str:
    return _UNFIT.sub("_", name)[:_MOST_CHARACTERS] or "_"


def _header(entity: Any) -> str:
    segment = getattr(entity, "parent_segment", entity)
    if entity.sampled:
        return f"Root={segment.trace_id};Parent={entity.id};Sampled=1"
    # Of what is not kept no id is known to anybody: others go on from what it follows itself.
    before = segment.get_origin_trace_header()
    place = find_place(before.to_header_str()) if before else None
    root = segment.trace_id if segment.sampled else TraceId().to_id()
    return place._replace(sampled=False).header if place else f"Root={root};Sampled=0"
