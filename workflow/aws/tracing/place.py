"""Where a trace goes on from, in the two forms that it is written in: X-Ray's trace header and W3C's traceparent."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

_MOST_CHARACTERS = 1024
_TRACEPARENT = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?")
_ROOT = re.compile(r"1-([0-9a-f]{8})-([0-9a-f]{24})")
_PARENT = re.compile(r"(?!0{16})[0-9a-f]{16}")
_SAMPLED = {"0": False, "1": True}

_OLDEST = timedelta(days=28)
_NEWEST = timedelta(minutes=5)
"""X-Ray takes no segment of a trace that began longer ago, or later, than so; the bounds are the collector's.
https://github.com/open-telemetry/opentelemetry-collector-contrib/blob/main/exporter/awsxrayexporter/internal/translator/segment.go"""


class Place(NamedTuple):
    """A span of a trace, 16 hexadecimal digits of 32; `span_id` is '' if only the trace is known. `sampled` is None
    where nobody has decided yet whether it is kept."""

    trace_id: str
    span_id: str = ""
    sampled: bool | None = None

    @property
    def root(self) -> str:
        """The trace's id as X-Ray writes it; its first part is the second in which the trace began.
        https://docs.aws.amazon.com/xray/latest/devguide/xray-api-sendingdata.html#xray-api-traceids"""
        return f"1-{self.trace_id[:8]}-{self.trace_id[8:]}"

    @property
    def header(self) -> str:
        """X-Ray's trace header.
        https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader"""
        parts = [f"Root={self.root}"]
        if self.span_id:
            parts.append(f"Parent={self.span_id}")
        if self.sampled is not None:
            parts.append(f"Sampled={int(self.sampled)}")
        return ";".join(parts)

    def may_be_continued(self, now: datetime) -> bool:
        """Whether X-Ray still takes segments of the trace."""
        try:
            began = datetime.fromtimestamp(int(self.trace_id[:8], 16), now.tzinfo)
        except (ValueError, OverflowError, OSError):
            return False
        return now - _OLDEST < began < now + _NEWEST


def find_place(text: object) -> Place | None:
    """What the text says in either form; None for anything else, however strange."""
    if not isinstance(text, str) or len(text) > _MOST_CHARACTERS:
        return None
    text = text.strip().lower()
    w3c = _TRACEPARENT.fullmatch(text)
    if w3c:
        return Place(w3c[1], w3c[2], bool(int(w3c[3], 16) & 1))
    parts = {name.strip(): value.strip() for name, _, value in (part.partition("=") for part in text.split(";"))}
    root = _ROOT.fullmatch(parts.get("root", ""))
    if not root or not int(root[1] + root[2], 16):
        return None
    parent = parts.get("parent", "")
    span_id = parent if _PARENT.fullmatch(parent) else ""
    return Place(root[1] + root[2], span_id, _SAMPLED.get(parts.get("sampled", "")))


def find_invocation() -> Place | None:
    """The trace that Lambda keeps of the invocation under way; None outside of Lambda.
    https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html"""
    return find_place(os.environ.get("_X_AMZN_TRACE_ID", ""))


def followed(headers: Mapping[str, str]) -> str:
    """What a request goes on from: the span that its headers name, by lower-case names, else what Lambda says of the
    invocation. API Gateway's own header names a trace and no span in it."""
    for name in ("traceparent", "x-amzn-trace-id"):
        text = headers.get(name, "")
        place = find_place(text)
        if place and place.span_id:
            return text
    return os.environ.get("_X_AMZN_TRACE_ID", "")
