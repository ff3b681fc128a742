"""Whether the table has a stream, and what that carries. Pure."""

from __future__ import annotations

from workflow.runtime.doctor.facts import StackFacts
from workflow.runtime.doctor.finding import Finding, Findings, Level, change_table

ENTITY_FILTER = '{"dynamodb":{"Keys":{"sk":{"S":["entity"]}}}}'
BUCKET = "arn:aws:s3:::"
_SWITCHED_ON = ("--stream-specification", "StreamEnabled=true,StreamViewType=NEW_AND_OLD_IMAGES")
_VIEWS = {
    "KEYS_ONLY": "no image: each transition costs two reads, and a write by hand may go unseen",
    "NEW_IMAGE": "no old image: each transition costs a query of its history",
    "OLD_IMAGE": "no new image: each transition costs a read of its event, and a write by hand may go unseen",
}


def has_stream(facts: StackFacts) -> Findings:
    """Whether the table has a stream at all."""
    table = facts.table
    if table and not table.stream_arn:
        yield Finding(
            Level.LOSING,
            "the table has no stream",
            f"table {table.name}",
            "no hook runs: nothing tells the function that anything changed",
            "switch the stream on, and ask the doctor again: its mapping reads the stream that was",
            change_table(facts, table.name, *_SWITCHED_ON),
            ("the stream has a new ARN now: ask the doctor again, for its mapping",),
        )


def bucket_arn(facts: StackFacts) -> str:
    """The bucket of lost records, '' where the stack has none."""
    return f"{BUCKET}{facts.failure_bucket}" if facts.failure_bucket else ""


def stream_view(facts: StackFacts) -> Findings:
    """Whether the stream carries both images."""
    table = facts.table
    if table and table.stream_arn and table.stream_view != "NEW_AND_OLD_IMAGES":
        yield Finding(
            Level.ADVICE if table.stream_view == "NEW_IMAGE" else Level.EXPOSED,
            f"the stream carries {table.stream_view or 'an unknown view'}, not NEW_AND_OLD_IMAGES",
            f"table {table.name}",
            _VIEWS.get(table.stream_view, "nobody knows what its records hold"),
            "see docs/stream-views.md; a view cannot be changed: the stream is switched off and made anew",
            by_hand=(
                "at a quiet hour: what the old stream still holds may be lost, and `workflow reconcile` finds it:",
                *change_table(facts, table.name, "--stream-specification", "StreamEnabled=false"),
                *change_table(facts, table.name, *_SWITCHED_ON),
                "the stream has a new ARN then: ask the doctor again, for its mapping",
            ),
        )
