"""A function's log as a person reads it: what its lines of JSON say, and none of its metrics."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any


def readable(log: str) -> Iterator[str]:
    """The lines of a log: `LEVEL message` of those in JSON, and as they are those that are something else."""
    for line in log.splitlines():
        said = _said(line)
        if said is None:
            yield line
        else:
            # Metrics have neither.
            yield from f"{said.get('level', '')} {said.get('message', '')}".strip().splitlines()


def _said(line: str) -> dict[str, Any] | None:
    if not line.startswith("{"):
        return None
    try:
        said = json.loads(line)
    except ValueError:
        return None
    return said if isinstance(said, dict) and said.keys() & {"_aws", "message"} else None
