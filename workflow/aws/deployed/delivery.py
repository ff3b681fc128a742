"""Facts of the table, its stream and the mapping that reads it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from workflow.aws import items
from workflow.aws.deployed.looking import Looks
from workflow.runtime.doctor.facts import FunctionFacts, IndexFacts, MappingFacts, TableFacts


def read_table(client: Any, name: str, looks: Looks) -> TableFacts | None:
    """What DynamoDB says of the table, its backups and what expires in it."""
    found = looks.look("table", "dynamodb:DescribeTable", lambda: client.describe_table(TableName=name)["Table"])
    if found is None:
        return None
    recovery = looks.look(
        "point-in-time recovery", "dynamodb:DescribeContinuousBackups", lambda: _recovery(client, name)
    )
    expiry = looks.look("time to live", "dynamodb:DescribeTimeToLive", lambda: _expiry(client, name))
    stream = found.get("StreamSpecification") or {}
    indexes = found.get("GlobalSecondaryIndexes", [])
    # A stream that was switched off keeps its ARN for a day.
    is_streaming = stream.get("StreamEnabled", False)
    return TableFacts(
        name=name,
        arn=found["TableArn"],
        status=found["TableStatus"],
        stream_arn=found.get("LatestStreamArn", "") if is_streaming else "",
        stream_view=stream.get("StreamViewType", ""),
        billing=(found.get("BillingModeSummary") or {}).get("BillingMode", "PROVISIONED"),
        # The embedded cloud answers with a text.
        is_protected=str(found.get("DeletionProtectionEnabled")).lower() == "true",
        indexes=tuple(map(_index, indexes)),
        about=max((int(one.get("ItemCount", 0)) for one in indexes if one["IndexName"] == items.INDEX), default=0),
        recovery=recovery,
        expiry=expiry,
    )


def _recovery(client: Any, name: str) -> bool:
    found = client.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
    return bool((found.get("PointInTimeRecoveryDescription") or {}).get("PointInTimeRecoveryStatus") == "ENABLED")


def _expiry(client: Any, name: str) -> str:
    found = client.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    return str(found.get("AttributeName", "")) if found["TimeToLiveStatus"] in ("ENABLED", "ENABLING") else ""


def _index(found: Mapping[str, Any]) -> IndexFacts:
    projection = found.get("Projection") or {}
    return IndexFacts(
        found["IndexName"],
        tuple(key["AttributeName"] for key in found["KeySchema"]),
        # The embedded cloud says none: its indexes are always there.
        found.get("IndexStatus", "ACTIVE"),
        projection.get("ProjectionType", "ALL"),
        frozenset(projection.get("NonKeyAttributes", [])),
    )


def read_mappings(functions: Any, function: FunctionFacts, stream: str, own: Collection[str]) -> Sequence[MappingFacts]:
    """The function's mappings of DynamoDB streams, those of its aliases on this stream too; `own` are the stack's."""
    asked = [{"FunctionName": function.name}, *([{"EventSourceArn": stream}] if stream else [])]
    pager = functions.get_paginator("list_event_source_mappings")
    listed = [one for each in asked for page in pager.paginate(**each) for one in page["EventSourceMappings"]]
    found = {one["UUID"]: one for one in listed if ":dynamodb:" in one.get("EventSourceArn", "")}
    return [_mapping(one, own) for one in found.values() if f"{one['FunctionArn']}:".startswith(f"{function.arn}:")]


def _mapping(found: Mapping[str, Any], own: Collection[str]) -> MappingFacts:
    filters = (found.get("FilterCriteria") or {}).get("Filters") or []
    on_failure = (found.get("DestinationConfig") or {}).get("OnFailure") or {}
    return MappingFacts(
        mapping_id=found["UUID"],
        stream_arn=found["EventSourceArn"],
        function=found["FunctionArn"],
        state=found["State"],
        state_reason=found.get("StateTransitionReason") or "",
        starting_position=found.get("StartingPosition") or "TRIM_HORIZON",
        reports_failures="ReportBatchItemFailures" in (found.get("FunctionResponseTypes") or ()),
        bisects=bool(found.get("BisectBatchOnFunctionError")),
        retries=_limit(found, "MaximumRetryAttempts"),
        age_seconds=_limit(found, "MaximumRecordAgeInSeconds"),
        destination=on_failure.get("Destination") or "",
        patterns=tuple(one["Pattern"] for one in filters),
        batch_size=found.get("BatchSize") or 100,
        window_seconds=found.get("MaximumBatchingWindowInSeconds") or 0,
        parallel=found.get("ParallelizationFactor") or 1,
        last_result=found.get("LastProcessingResult") or "",
        metrics=tuple((found.get("MetricsConfig") or {}).get("Metrics") or ()),
        is_own=found["UUID"] in own,
    )


def _limit(found: Mapping[str, Any], name: str) -> int:
    value = found.get(name)
    return -1 if value is None else int(value)
