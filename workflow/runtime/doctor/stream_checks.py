"""Whether the table's stream reaches its function, and what the mapping does when that fails. Pure."""

from __future__ import annotations

import json

from workflow.runtime.doctor.facts import MappingFacts, StackFacts, TableFacts
from workflow.runtime.doctor.finding import Finding, Findings, Level, aws

ENTITY_FILTER = '{"dynamodb":{"Keys":{"sk":{"S":["entity"]}}}}'
_DAY = "DynamoDB keeps a stream's records for 24 hours; what was not delivered by then is lost to its hooks"
RECONCILE = "workflow reconcile"
_WORKING = ("Creating", "Enabling", "Enabled", "Updating")
BUCKET = "arn:aws:s3:::"
_VIEWS = {
    "KEYS_ONLY": "no image: each transition costs two reads, and a write by hand may go unseen",
    "NEW_IMAGE": "no old image: each transition costs a query of its history",
    "OLD_IMAGE": "no new image: each transition costs a read of its event, and a write by hand may go unseen",
}


def has_stream(facts: StackFacts) -> Findings:
    """Whether the table has a stream at all."""
    table = facts.table
    if table and not table.stream_arn:
        fix = (
            aws(
                facts,
                *("dynamodb", "update-table", "--table-name", table.name),
                *("--stream-specification", "StreamEnabled=true,StreamViewType=NEW_AND_OLD_IMAGES"),
            ),
            "# then deploy the stack again, for its mapping to read the new stream: sam deploy",
            RECONCILE,
        )
        yield Finding(
            Level.LOSING,
            "the table has no stream",
            f"table {table.name}",
            "no hook runs: nothing tells the function that anything changed",
            "switch the stream on, deploy again, then `workflow reconcile`",
            fix,
        )


def has_mapping(facts: StackFacts) -> Findings:
    """Whether a mapping leads from the table's present stream to its function, and is switched on."""
    table = facts.table
    if facts.mappings is None or table is None or not table.stream_arn:
        return
    of_table = table.stream_arn.rpartition("/stream/")[0]
    # What else the function may read is nobody's business here.
    mappings = [one for one in facts.mappings if one.stream_arn.rpartition("/stream/")[0] == of_table]
    if not mappings:
        function = facts.find_function("stream")
        yield Finding(
            Level.LOSING,
            "no mapping leads from the stream to its function",
            f"function {function.name if function else 'of the stream'}",
            f"no hook runs. {_DAY}",
            "make the mapping again, then `workflow reconcile`",
            _made_again(facts, table, None),
        )
        return
    current = [mapping for mapping in mappings if mapping.stream_arn == table.stream_arn]
    for mapping in mappings:
        if mapping not in current:
            yield _outdated(facts, table, mapping, is_only=not current)
        elif mapping.state not in _WORKING:
            yield _switched_off(facts, mapping)
        elif mapping.last_result.startswith("PROBLEM"):
            yield Finding(
                Level.STANDING,
                f"the mapping has a problem: {mapping.last_result}",
                f"mapping {mapping.mapping_id}",
                f"its batches are not delivered. {_DAY}",
                "see the log of the stream function, and its role's permissions",
            )


def _switched_off(facts: StackFacts, mapping: MappingFacts) -> Finding:
    why = f" ({mapping.state_reason})" if mapping.state_reason else ""
    return Finding(
        Level.LOSING,
        f"the mapping is {mapping.state}{why}",
        f"mapping {mapping.mapping_id}",
        f"no hook runs. {_DAY}",
        "switch it on, then `workflow reconcile`",
        (
            aws(facts, "lambda", "update-event-source-mapping", "--uuid", mapping.mapping_id, "--enabled"),
            RECONCILE,
        ),
    )


def _outdated(facts: StackFacts, table: TableFacts, mapping: MappingFacts, *, is_only: bool) -> Finding:
    removed = aws(facts, "lambda", "delete-event-source-mapping", "--uuid", mapping.mapping_id)
    made = _made_again(facts, table, mapping) if is_only else ()
    return Finding(
        Level.LOSING if is_only else Level.ADVICE,
        "the mapping reads another stream than the table has now",
        f"mapping {mapping.mapping_id}, on {mapping.stream_arn}",
        f"the table's stream is {table.stream_arn}: nobody reads it. {_DAY}"
        if is_only
        else "another mapping reads the table's present stream; this one reads what nobody writes",
        "make the mapping again on the present stream, then `workflow reconcile`" if is_only else "remove it",
        (*made[:1], removed, *made[1:]),
    )


def _made_again(facts: StackFacts, table: TableFacts, like: MappingFacts | None) -> tuple[str, ...]:
    function = facts.find_function("stream")
    if function is None:
        return ("sam deploy",)
    like = like or MappingFacts("", "", function.name, "")
    destination = like.destination if like.destination.startswith(BUCKET) else bucket_arn(facts)
    on_failure = (
        ["--destination-config", json.dumps({"OnFailure": {"Destination": destination}})] if destination else []
    )
    made = aws(
        facts,
        *("lambda", "create-event-source-mapping", "--function-name", function.name),
        *("--event-source-arn", table.stream_arn, "--starting-position", "TRIM_HORIZON"),
        *("--batch-size", str(like.batch_size), "--parallelization-factor", str(like.parallel)),
        *("--function-response-types", "ReportBatchItemFailures", "--bisect-batch-on-function-error"),
        *("--maximum-retry-attempts", str(like.retries if like.retries > 0 else 20)),
        *("--maximum-record-age-in-seconds", str(like.age_seconds if like.age_seconds > 0 else 43200)),
        *("--filter-criteria", json.dumps({"Filters": [{"Pattern": ENTITY_FILTER}]})),
        *on_failure,
    )
    return (made, RECONCILE)


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
            (
                "# at a quiet hour: what the old stream still holds is lost, and `workflow reconcile` finds it",
                aws(
                    facts,
                    *("dynamodb", "update-table", "--table-name", table.name),
                    *("--stream-specification", "StreamEnabled=false"),
                ),
                aws(facts, "dynamodb", "wait", "table-exists", "--table-name", table.name),
                aws(
                    facts,
                    *("dynamodb", "update-table", "--table-name", table.name),
                    *("--stream-specification", "StreamEnabled=true,StreamViewType=NEW_AND_OLD_IMAGES"),
                ),
                "# the stream has a new ARN now: ask the doctor again, for the mapping",
            ),
        )
