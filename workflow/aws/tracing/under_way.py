"""What is open on a thread, as the X-Ray SDK's recorder knows it."""

from __future__ import annotations

from typing import Any


def open_entities(recorder: Any) -> list[Any]:
    """The very list that the recorder works on: a segment, and one in the other its subsegments."""
    # Past the SDK's own question, which logs or raises where nothing is open, as the application has configured it.
    return getattr(getattr(recorder.context, "_local", None), "entities", None) or []


def find_open(recorder: Any) -> Any:
    """The innermost segment or subsegment, whoever began it."""
    entities = open_entities(recorder)
    return entities[-1] if entities and entities[-1].in_progress else None
