"""The log of a Lambda: every line one JSON object that CloudWatch Logs Insights knows the fields of.

Cheaper at a cold start than any library that does it, see docs/observing.md.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from workflow.runtime.redact import bare_trace
from workflow.runtime.tracing import NO_TRACER, Tracer

_OF_EVERY_RECORD = frozenset({*vars(logging.makeLogRecord({})), "message", "asctime", "taskName"})
_IDS = {"kind": "kind", "id": "id", "entity_id": "id", "version": "version", "hook": "hook", "attempt": "attempt"}
_IDS_OF_LANES = {"kind": "kind", "lane": "lane", "key": "key"}


class JsonLines(logging.Formatter):
    """Writes records as JSON in one line: timestamp, level, message, logger; the function and its request, the trace
    under way, what `extra` gives, and the ids of what the message is about: its first argument that has any.

    Tells of exceptions where they came from, and nothing that they say: here nobody knows what is secret.
    """

    def __init__(self, function: str = "") -> None:
        super().__init__()
        self.function = function
        self.request_id = ""
        self.tracer: Tracer = NO_TRACER

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end; never raises."""
        told = {**self._of_line(record), **self._of_process(), **_ids(record.args), **_extra(record)}
        try:
            return json.dumps(told, default=_text)
        except (TypeError, ValueError, RecursionError):
            # Some `extra` that no JSON can say.
            return json.dumps(self._of_line(record))

    def _of_line(self, record: logging.LogRecord) -> dict[str, str]:
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line = {
            "timestamp": at.replace("+00:00", "Z"),
            "level": record.levelname,
            "message": _message(record),
            "logger": record.name,
        }
        if record.exc_info and record.exc_info[1]:
            line["traceback"] = bare_trace(record.exc_info[1])
        return line

    def _of_process(self) -> dict[str, str]:
        known = {
            "function": self.function,
            "request_id": self.request_id,
            "trace": self.tracer.current() if self.tracer.is_on else "",
        }
        return {name: value for name, value in known.items() if value}


def write_json(function: str, level: str) -> JsonLines:
    """Has this process write its whole log as lines of JSON, those of `workflow` from `level` on; raises ValueError for
    no level."""
    lines = JsonLines(function)
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(lines)
    # Lambda's runtime has put one there, which would write each line again, its own way.
    logging.basicConfig(handlers=[handler], force=True)
    logging.captureWarnings(True)
    # What cannot be written must not be printed another way, with all its arguments.
    logging.raiseExceptions = False
    logging.getLogger("workflow").setLevel(level)
    return lines


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception:
        return f"{record.msg} (its arguments do not fit)"


def _ids(arguments: Any) -> dict[str, Any]:
    """The ids of the first that is about an entity, an effect or a lane."""
    try:
        for argument in arguments if isinstance(arguments, tuple) else ():
            if isinstance(getattr(argument, "kind", None), str):
                names = _IDS_OF_LANES if hasattr(argument, "lane") else _IDS
                return dict(_found(argument, names))
    except Exception:
        # Whatever a hook or a library logs may raise when it is looked at; the line is worth more than its ids.
        return {}
    return {}


def _found(argument: object, names: dict[str, str]) -> Iterator[tuple[str, str | int]]:
    for attribute, name in names.items():
        value = getattr(argument, attribute, None)
        if isinstance(value, str | int) and value:
            yield name, value


def _extra(record: logging.LogRecord) -> dict[str, Any]:
    return {name: value for name, value in vars(record).items() if name not in _OF_EVERY_RECORD}


def _text(value: object) -> str:
    try:
        return str(value)
    except Exception:
        return type(value).__name__
