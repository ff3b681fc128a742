"""AWS Lambda's rules for a DynamoDB stream's event source mapping. Pure: no I/O, no clock, no threads."""

from workflow.event_source.batches import (
    NOT_INVOKED,
    Answer,
    Batch,
    Condition,
    Discard,
    Next,
    after_invocation,
    pause_seconds,
    read_answer,
    without_expired,
)
from workflow.event_source.checkpoint import checkpoint
from workflow.event_source.lanes import MAX_PAYLOAD_BYTES, Lane, Lanes, Taken
from workflow.event_source.on_failure import invocation_record, object_key
from workflow.event_source.record import StreamRecord
from workflow.event_source.settings import Settings, read_settings

__all__ = [
    "MAX_PAYLOAD_BYTES",
    "NOT_INVOKED",
    "Answer",
    "Batch",
    "Condition",
    "Discard",
    "Lane",
    "Lanes",
    "Next",
    "Settings",
    "StreamRecord",
    "Taken",
    "after_invocation",
    "checkpoint",
    "invocation_record",
    "object_key",
    "pause_seconds",
    "read_answer",
    "read_settings",
    "without_expired",
]
