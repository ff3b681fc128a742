"""X-Ray's daemon and what is behind it: takes documents by UDP, and refuses those that X-Ray would refuse."""

from __future__ import annotations

import json
from typing import Any

import jsonschema

from demo.trace.daemon import TraceDaemon

_NAME = r"^[\w .:/%&#=+\\@-]{1,200}$"
_ID = {"type": "string", "pattern": "^[0-9a-f]{16}$"}
_TIME = {"type": "number", "exclusiveMinimum": 1_000_000_000, "exclusiveMaximum": 10_000_000_000}
_CAUSE = {
    "oneOf": [
        _ID,
        {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                "working_directory": {"type": "string"},
                "paths": {"type": "array", "items": {"type": "string"}},
                "exceptions": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "additionalProperties": False,
                        "required": ["id"],
                        "properties": {
                            "id": _ID,
                            "message": {"type": "string"},
                            "type": {"type": "string"},
                            "remote": {"type": "boolean"},
                            "truncated": {"type": "integer"},
                            "skipped": {"type": "integer"},
                            "cause": _ID,
                            "stack": {"type": "array"},
                        },
                    },
                },
            },
        },
    ]
}
_EITHER = {
    "name": {"type": "string", "pattern": _NAME},
    "id": _ID,
    "start_time": _TIME,
    "end_time": _TIME,
    "in_progress": {"const": True},
    "trace_id": {"type": "string", "pattern": "^1-[0-9a-f]{8}-[0-9a-f]{24}$"},
    "parent_id": _ID,
    "error": {"type": "boolean"},
    "throttle": {"type": "boolean"},
    "fault": {"type": "boolean"},
    "cause": _CAUSE,
    "annotations": {
        "type": "object",
        "maxProperties": 50,
        "propertyNames": {"pattern": "^[A-Za-z0-9_]{1,500}$"},
        "additionalProperties": {"type": ["string", "number", "boolean"], "maxLength": 1000},
    },
    "metadata": {"type": "object"},
    "http": {"type": "object"},
    "aws": {"type": "object"},
    "subsegments": {"type": "array", "items": {"$ref": "#/$defs/subsegment"}},
}
_SCHEMA = {
    "$defs": {
        "segment": {
            "type": "object",
            "additionalProperties": False,
            "required": ["name", "id", "trace_id", "start_time"],
            "properties": {
                **_EITHER,
                # A segment of the SDK's that is under way says so by `false` once it is not.
                "in_progress": {"type": "boolean"},
                "service": {"type": "object"},
                "user": {"type": "string"},
                "origin": {"type": "string"},
            },
        },
        "subsegment": {
            "type": "object",
            "additionalProperties": False,
            "required": ["name", "id", "start_time"],
            "properties": {
                **_EITHER,
                "in_progress": {"type": "boolean"},
                "type": {"const": "subsegment"},
                # `local` is the SDK's own word for neither of the two that are documented.
                "namespace": {"enum": ["aws", "remote", "local"]},
                "precursor_ids": {"type": "array", "items": _ID},
                "sql": {"type": "object"},
            },
        },
        "alone": {
            "allOf": [
                {"$ref": "#/$defs/subsegment"},
                {"required": ["type", "trace_id", "parent_id"], "properties": {"type": {"const": "subsegment"}}},
            ]
        },
    },
}
"""https://docs.aws.amazon.com/xray/latest/devguide/xray-api-segmentdocuments.html, as of 2026."""

_VALIDATORS = [jsonschema.Draft202012Validator({**_SCHEMA, "$ref": f"#/$defs/{form}"}) for form in ("segment", "alone")]
_MOST_BYTES = 64 * 1024


class RefusedDocumentError(AssertionError):
    """X-Ray would not have taken it."""


class XrayDaemon(TraceDaemon):
    """A daemon that looks at what it is given."""

    def read(self, packet: bytes) -> dict[str, Any]:
        """The document in one packet; raises RefusedDocumentError, or DaemonError."""
        found = super().read(packet)
        check(found)
        return found


def check(document: dict[str, Any]) -> None:
    """Raises RefusedDocumentError unless X-Ray would take the document."""
    # Of the two schemas the one that it means to fit: what it lacks is said, and not that it fits neither.
    error = jsonschema.exceptions.best_match(_VALIDATORS[document.get("type") == "subsegment"].iter_errors(document))
    if error is not None:
        raise RefusedDocumentError(f"{error.json_path}: {error.message[:300]}")
    size = len(json.dumps(document).encode())
    if size > _MOST_BYTES:
        raise RefusedDocumentError(f"{document['name']}: {size} bytes; at most {_MOST_BYTES} are taken")
    _check_times(document)


def _check_times(document: dict[str, Any]) -> None:
    name, began, ended = document["name"], document["start_time"], document.get("end_time")
    if bool(document.get("in_progress")) == (ended is not None):
        raise RefusedDocumentError(f"{name}: it has either an end or is in progress")
    if ended is not None and ended < began:
        raise RefusedDocumentError(f"{name}: it ended before it began")
    for child in document.get("subsegments", []):
        _check_times(child)
