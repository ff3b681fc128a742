"""What the deployed event source mapping asks for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from workflow.event_source import Settings, read_settings
from workflow.local.errors import PumpError

_AT_REST = ("Disabled", "Disabling", "Deleting")


@dataclass(frozen=True, slots=True)
class Mapping:
    """A stream's event source mapping: what it connects, and the settings by which it delivers.

    `destination_arn` is empty if discarded records go nowhere. `role_arn` is the function's role, with which Lambda
    reads the stream and sends on what it gives up.
    https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html
    """

    mapping_id: str
    stream_arn: str
    function_arn: str
    starting_position: str
    patterns: tuple[str, ...]
    destination_arn: str
    settings: Settings
    role_arn: str = ""
    is_enabled: bool = True


def read_mapping(functions: Any, mapping_id: str) -> Mapping:
    """Return a deployed mapping. Raises PumpError if there is none of that id."""
    try:
        found = functions.get_event_source_mapping(UUID=mapping_id)
    except functions.exceptions.ResourceNotFoundException:
        raise PumpError(f"there is no event source mapping {mapping_id}; deploy again") from None
    return _mapping(functions, found)


def find_mapping(functions: Any, before: Mapping) -> Mapping | None:
    """Return a mapping as it is now, or the one that was made in its place for the same function; None without one."""
    listed = functions.list_event_source_mappings(FunctionName=before.function_arn)["EventSourceMappings"]
    found = [one for one in listed if ":dynamodb:" in one["EventSourceArn"]]
    # Of several, that which is known already.
    found.sort(key=lambda one: one["UUID"] != before.mapping_id)
    return _mapping(functions, found[0], before.role_arn) if found else None


def _mapping(functions: Any, found: Any, role_arn: str = "") -> Mapping:
    filters = (found.get("FilterCriteria") or {}).get("Filters", [])
    on_failure = (found.get("DestinationConfig") or {}).get("OnFailure") or {}
    return Mapping(
        mapping_id=found["UUID"],
        stream_arn=found["EventSourceArn"],
        function_arn=found["FunctionArn"],
        starting_position=found.get("StartingPosition") or "TRIM_HORIZON",
        patterns=tuple(one["Pattern"] for one in filters),
        destination_arn=on_failure.get("Destination") or "",
        settings=read_settings(found),
        role_arn=role_arn or functions.get_function_configuration(FunctionName=found["FunctionArn"])["Role"],
        is_enabled=found.get("State") not in _AT_REST,
    )
