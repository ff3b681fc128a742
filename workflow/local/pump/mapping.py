"""What the deployed event source mapping asks for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from workflow.event_source import Settings, read_settings
from workflow.local.errors import PumpError


@dataclass(frozen=True, slots=True)
class Mapping:
    """A stream's event source mapping: what it connects, and the settings by which it delivers.

    `destination_arn` is empty if discarded records go nowhere.
    """

    mapping_id: str
    stream_arn: str
    function_arn: str
    starting_position: str
    patterns: tuple[str, ...]
    destination_arn: str
    settings: Settings


def read_mapping(functions: Any, mapping_id: str) -> Mapping:
    """Return a deployed mapping. Raises PumpError if there is none of that id."""
    try:
        found = functions.get_event_source_mapping(UUID=mapping_id)
    except functions.exceptions.ResourceNotFoundException:
        raise PumpError(f"there is no event source mapping {mapping_id}; deploy again") from None
    filters = (found.get("FilterCriteria") or {}).get("Filters", [])
    on_failure = (found.get("DestinationConfig") or {}).get("OnFailure") or {}
    return Mapping(
        mapping_id=mapping_id,
        stream_arn=found["EventSourceArn"],
        function_arn=found["FunctionArn"],
        starting_position=found.get("StartingPosition") or "TRIM_HORIZON",
        patterns=tuple(one["Pattern"] for one in filters),
        destination_arn=on_failure.get("Destination") or "",
        settings=read_settings(found),
    )
