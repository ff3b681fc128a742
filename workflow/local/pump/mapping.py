"""What the deployed event source mapping asks for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from workflow.local.errors import PumpError

_NO_LIMIT = -1


@dataclass(frozen=True, slots=True)
class Mapping:
    """The settings of a stream's event source mapping, with Lambda's own defaults where the template is silent."""

    stream_arn: str
    function_name: str
    starting_position: str
    batch_size: int
    parallelization_factor: int
    reports_item_failures: bool
    patterns: tuple[str, ...]
    # For the rules to come: until then a failing batch is tried again for as long as the pump runs. -1: no limit.
    maximum_retry_attempts: int
    maximum_record_age_seconds: int
    bisects_on_error: bool


def read_mapping(functions: Any, mapping_id: str) -> Mapping:
    """Return the settings of a deployed mapping. Raises PumpError if there is none of that id."""
    try:
        found = functions.get_event_source_mapping(UUID=mapping_id)
    except functions.exceptions.ResourceNotFoundException:
        raise PumpError(f"there is no event source mapping {mapping_id}; deploy again") from None
    filters = (found.get("FilterCriteria") or {}).get("Filters", [])
    return Mapping(
        stream_arn=found["EventSourceArn"],
        function_name=found["FunctionArn"],
        starting_position=found.get("StartingPosition") or "TRIM_HORIZON",
        batch_size=int(found.get("BatchSize") or 100),
        parallelization_factor=int(found.get("ParallelizationFactor") or 1),
        reports_item_failures="ReportBatchItemFailures" in (found.get("FunctionResponseTypes") or ()),
        patterns=tuple(one["Pattern"] for one in filters),
        maximum_retry_attempts=_limit(found, "MaximumRetryAttempts"),
        maximum_record_age_seconds=_limit(found, "MaximumRecordAgeInSeconds"),
        bisects_on_error=bool(found.get("BisectBatchOnFunctionError", False)),
    )


def _limit(found: dict[str, Any], name: str) -> int:
    value = found.get(name)
    # Not `or`: 0 attempts are a limit too.
    return _NO_LIMIT if value is None else int(value)
