"""Lines in CloudWatch's embedded format, held to its specification: the emulator takes no notice of them.

The schema is the one that AWS gives there, and the rules are what its text says besides.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from jsonschema import validate

_UNITS = (
    "Seconds|Microseconds|Milliseconds|Bytes|Kilobytes|Megabytes|Gigabytes|Terabytes|Bits|Kilobits|Megabits|Gigabits"
    "|Terabits|Percent|Count|Bytes/Second|Kilobytes/Second|Megabytes/Second|Gigabytes/Second|Terabytes/Second"
    "|Bits/Second|Kilobits/Second|Megabits/Second|Gigabits/Second|Terabits/Second|Count/Second|None"
)
_NAME = {"type": "string", "pattern": "^(.*)$", "minLength": 1, "maxLength": 255}
_DIRECTIVE = {
    "type": "object",
    "required": ["Namespace", "Dimensions", "Metrics"],
    "properties": {
        "Namespace": _NAME,
        "Dimensions": {
            "type": "array",
            "minItems": 1,
            # 30 today; the schema that many tools still carry says 9.
            "items": {"type": "array", "minItems": 0, "maxItems": 9, "items": _NAME},
        },
        "Metrics": {
            "type": "array",
            "maxItems": 100,
            "items": {
                "type": "object",
                "required": ["Name"],
                "properties": {
                    "Name": _NAME,
                    "Unit": {"type": "string", "pattern": f"^({_UNITS})$"},
                    "StorageResolution": {"type": "integer", "enum": [1, 60]},
                },
                "additionalProperties": False,
            },
        },
    },
    "additionalProperties": False,
}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["_aws"],
    "properties": {
        "_aws": {
            "type": "object",
            "required": ["Timestamp", "CloudWatchMetrics"],
            "properties": {
                "Timestamp": {"type": "integer"},
                "CloudWatchMetrics": {"type": "array", "items": _DIRECTIVE},
            },
            "additionalProperties": False,
        }
    },
}
_LONGEST_LINE = 256 * 1024


def read_emf(lines: Iterable[str]) -> list[dict[str, Any]]:
    """What those of the lines say that are metrics; each is checked."""
    return [_checked(line) for line in lines if '"_aws"' in line]


def metrics(lines: Iterable[str]) -> dict[tuple[str, ...], Any]:
    """The values that CloudWatch makes of them: by the metric's name and `dimension=value` of each, sums of several."""
    found: dict[tuple[str, ...], Any] = {}
    for document in read_emf(lines):
        for directive in document["_aws"]["CloudWatchMetrics"]:
            for names in directive["Dimensions"]:
                own = tuple(f"{name}={document[name]}" for name in names)
                for metric in directive["Metrics"]:
                    _add(found, (metric["Name"], *own), document[metric["Name"]])
    return found


def _add(found: dict[tuple[str, ...], Any], key: tuple[str, ...], value: Any) -> None:
    found[key] = found[key] + value if key in found else value


def _checked(line: str) -> dict[str, Any]:
    assert len(line.encode()) <= _LONGEST_LINE
    document: dict[str, Any] = json.loads(line)
    validate(document, SCHEMA)
    for directive in document["_aws"]["CloudWatchMetrics"]:
        _check_targets(document, directive)
    return document


def _check_targets(document: Mapping[str, Any], directive: Mapping[str, Any]) -> None:
    for name in {name for names in directive["Dimensions"] for name in names}:
        value = document[name]
        # https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_Dimension.html
        assert isinstance(value, str), name
        assert value.isascii(), name
        assert value.isprintable(), name
        assert 1 <= len(value.strip()) <= 1024, name
    for metric in directive["Metrics"]:
        value = document[metric["Name"]]
        values = value if isinstance(value, list) else [value]
        assert 1 <= len(values) <= 100, metric
        assert all(isinstance(one, int | float) and not isinstance(one, bool) for one in values), metric
