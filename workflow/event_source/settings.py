"""What a stream's event source mapping may ask of Lambda."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of a DynamoDB stream's mapping that decide about batches, each with the default AWS documents.

    `None` is no limit. AWS says that it backs off between retries and not for how long: the two `retry_seconds` are
    ours, short enough to watch. https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-params.html
    """

    batch_size: int = 100
    batching_window_seconds: float = 0.0
    parallelization_factor: int = 1
    maximum_retry_attempts: int | None = None
    maximum_record_age_seconds: float | None = None
    bisects_on_error: bool = False
    reports_item_failures: bool = False
    first_retry_seconds: float = 0.1
    longest_retry_seconds: float = 10.0


def read_settings(properties: Mapping[str, Any]) -> Settings:
    """Return the settings under the names that GetEventSourceMapping, CloudFormation and SAM share.

    What is missing or null takes AWS's default; -1 and null are no limit, 0 is a limit. Raises ValueError or TypeError
    for a number that is none. https://docs.aws.amazon.com/lambda/latest/api/API_GetEventSourceMapping.html
    """
    return Settings(
        batch_size=int(properties.get("BatchSize") or 100),
        batching_window_seconds=float(properties.get("MaximumBatchingWindowInSeconds") or 0),
        parallelization_factor=int(properties.get("ParallelizationFactor") or 1),
        maximum_retry_attempts=_limit(properties, "MaximumRetryAttempts"),
        maximum_record_age_seconds=_limit(properties, "MaximumRecordAgeInSeconds"),
        # A template's parameter arrives as the text "false".
        bisects_on_error=str(properties.get("BisectBatchOnFunctionError")).lower() == "true",
        reports_item_failures="ReportBatchItemFailures" in (properties.get("FunctionResponseTypes") or ()),
    )


def _limit(properties: Mapping[str, Any], name: str) -> int | None:
    value = properties.get(name)
    # Not `or`: 0 attempts are a limit too.
    limit = -1 if value is None else int(value)
    return None if limit < 0 else limit
