"""Whether a mapping, and one alone, leads from the table's present stream to its function. Pure."""

from __future__ import annotations

import json
from collections.abc import Sequence

from workflow.runtime.doctor.facts import MappingFacts, StackFacts, TableFacts
from workflow.runtime.doctor.finding import Finding, Findings, Level, aws
from workflow.runtime.doctor.stream_checks import BUCKET, ENTITY_FILTER, bucket_arn
from workflow.runtime.doctor.sweep_checks import BEHIND_MS

RECONCILE = "workflow reconcile"
_DAY = "DynamoDB keeps a stream's records for 24 hours; what was not delivered by then is lost to its hooks"
_WORKING = ("Creating", "Enabling", "Enabled", "Updating")
# What the function's own metrics tell of as well; of what hinders the mapping itself, no metric does.
_FUNCTION_FAILED = "PROBLEM: Function call"
# Of a function's ARN without an alias.
_COLONS = 6


def has_mapping(facts: StackFacts) -> Findings:
    """Whether a mapping leads from the table's present stream to its function, and is switched on."""
    table = facts.table
    if facts.mappings is None or table is None or not table.stream_arn:
        return
    of_table = table.stream_arn.rpartition("/stream/")[0]
    # What else the function may read is nobody's business here.
    mappings = [one for one in facts.mappings if one.stream_arn.rpartition("/stream/")[0] == of_table]
    mappings.sort(key=lambda one: not one.is_own)
    current = [one for one in mappings if one.stream_arn == table.stream_arn]
    working = [one for one in current if one.state in _WORKING]
    if working:
        for mapping in working:
            yield from _problem(facts, mapping)
        yield from _twice(facts, working)
        yield from _in_the_stack(facts, table, mappings, working)
    elif current:
        yield _switched_off(facts, current[0])
    else:
        yield _unread(facts, table, mappings)


def _problem(facts: StackFacts, mapping: MappingFacts) -> Findings:
    if not mapping.last_result.startswith("PROBLEM"):
        return
    is_over = mapping.last_result.startswith(_FUNCTION_FAILED) and _is_quiet(facts)
    yield Finding(
        Level.ADVICE if is_over else Level.STANDING,
        f"{'the last batch had' if is_over else 'the mapping has'} a problem: {mapping.last_result}",
        f"mapping {mapping.mapping_id}",
        "none came after it; whatever it was, nothing failed and nothing waits in the last minutes"
        if is_over
        else f"its batches are not delivered. {_DAY}",
        "see the log of the stream function, and its role's permissions",
    )


def _is_quiet(facts: StackFacts) -> bool:
    recent, function = facts.recent, facts.find_function("stream")
    if recent is None or function is None:
        return False
    failed = recent.errors.get(function.name, 0) + recent.throttles.get(function.name, 0)
    return not failed and (recent.age_ms is None or recent.age_ms <= BEHIND_MS)


def _switched_off(facts: StackFacts, mapping: MappingFacts) -> Finding:
    why = f" ({mapping.state_reason})" if mapping.state_reason else ""
    return Finding(
        Level.LOSING,
        f"the mapping is {mapping.state}{why}",
        f"mapping {mapping.mapping_id}",
        f"no hook runs. {_DAY}",
        "switch it on, then `workflow reconcile`",
        (_enabled(facts, mapping), RECONCILE),
    )


def _enabled(facts: StackFacts, mapping: MappingFacts) -> str:
    return aws(facts, "lambda", "update-event-source-mapping", "--uuid", mapping.mapping_id, "--enabled")


def _removed(facts: StackFacts, mapping: MappingFacts) -> str:
    return aws(facts, "lambda", "delete-event-source-mapping", "--uuid", mapping.mapping_id)


def _unread(facts: StackFacts, table: TableFacts, mappings: Sequence[MappingFacts]) -> Finding:
    old, function = next(iter(mappings), None), facts.find_function("stream")
    made = _made(facts, table, old)
    return Finding(
        Level.LOSING,
        "the mapping reads another stream than the table has now"
        if old
        else "no mapping leads from the stream to its function",
        f"mapping {old.mapping_id}, on {old.stream_arn}"
        if old
        else f"function {function.name if function else 'of the stream'}",
        f"the table's stream is {table.stream_arn}: nobody reads it. {_DAY}" if old else f"no hook runs. {_DAY}",
        # A deployment would not: nothing changed in the template, so CloudFormation changes nothing.
        "make a mapping on the present stream, then `workflow reconcile`; the stack does not know that mapping: ask "
        "the doctor again, how it gets to",
        (made, RECONCILE) if made else (),
        ("the stack does not know the mapping made so: ask the doctor again",)
        if made
        else ("with a function for the stream:", "sam build && sam deploy"),
    )


def _made(facts: StackFacts, table: TableFacts, like: MappingFacts | None) -> str:
    """A line that makes a mapping on the present stream, with the settings of the one that was."""
    function = facts.find_function("stream")
    if function is None:
        return ""
    like = like or MappingFacts("", "", function.name, "", metrics=("EventCount",))
    destination = like.destination if like.destination.startswith(BUCKET) else bucket_arn(facts)
    on_failure = {"OnFailure": {"Destination": destination}}
    return aws(
        facts,
        *("lambda", "create-event-source-mapping", "--function-name", _called(like, function.name)),
        *("--event-source-arn", table.stream_arn, "--starting-position", "TRIM_HORIZON"),
        *("--batch-size", str(like.batch_size), "--parallelization-factor", str(like.parallel)),
        *("--maximum-batching-window-in-seconds", str(like.window_seconds)),
        *("--function-response-types", "ReportBatchItemFailures", "--bisect-batch-on-function-error"),
        *("--maximum-retry-attempts", str(like.retries if like.retries > 0 else 20)),
        *("--maximum-record-age-in-seconds", str(like.age_seconds if like.age_seconds > 0 else 43200)),
        *("--filter-criteria", json.dumps({"Filters": [{"Pattern": ENTITY_FILTER}]})),
        *(("--metrics-config", json.dumps({"Metrics": like.metrics})) if like.metrics else ()),
        *(("--destination-config", json.dumps(on_failure)) if destination else ()),
    )


def _called(like: MappingFacts, name: str) -> str:
    # One of an alias must stay one of that alias.
    return like.function if like.function.count(":") > _COLONS else name


def _twice(facts: StackFacts, working: Sequence[MappingFacts]) -> Findings:
    if len(working) < 2:
        return
    others = [one for one in working[1:] if not one.is_own]
    yield Finding(
        Level.EXPOSED,
        f"{len(working)} mappings bring the same records to the function",
        ", ".join(f"mapping {one.mapping_id}" for one in working),
        "each record comes more than once: the second finds its effects in work, fails and comes again; hooks run "
        "late, and it is paid for twice",
        "keep that of the stack" if others else "take all but one of them out of the template, and deploy",
        by_hand=("once you know that nobody needs it:", *(_removed(facts, one) for one in others)) if others else (),
    )


def _in_the_stack(
    facts: StackFacts, table: TableFacts, mappings: Sequence[MappingFacts], working: Sequence[MappingFacts]
) -> Findings:
    own = next((one for one in mappings if one.is_own), None)
    if not working[0].is_own:
        yield _handmade(facts, table, working[0], own)
        return
    for mapping in mappings:
        if mapping.stream_arn != table.stream_arn:
            yield Finding(
                Level.ADVICE,
                "the mapping reads another stream than the table has now",
                f"mapping {mapping.mapping_id}, on {mapping.stream_arn}",
                "another mapping reads the table's present stream; this one reads what nobody writes",
                "take it out of the template, and deploy" if mapping.is_own else "remove it",
                by_hand=()
                if mapping.is_own
                else ("once its stream is a day old, and holds no records any more:", _removed(facts, mapping)),
            )


def _handmade(facts: StackFacts, table: TableFacts, mapping: MappingFacts, own: MappingFacts | None) -> Finding:
    before, then = _way_in(facts, table, own)
    return Finding(
        Level.ADVICE,
        "the mapping that works was made by hand: the stack does not know it",
        f"mapping {mapping.mapping_id}",
        "settings in the template do not reach it, and the template's alarm and dashboard look at another one",
        f"{before}; then put the stack's in its place",
        # Lambda allows a function one mapping of a stream, so this one goes first; what is written until the other is
        # there waits in the stream, and what comes again was settled: no hook runs for it twice.
        by_hand=(f"{before}; then, one right after the other:", _removed(facts, mapping), then),
    )


def _way_in(facts: StackFacts, table: TableFacts, own: MappingFacts | None) -> tuple[str, str]:
    deploy = "sam build && sam deploy"
    if own and own.stream_arn == table.stream_arn:
        return f"see that the stack's own mapping {own.mapping_id} may be switched on", _enabled(facts, own)
    # What CloudFormation takes for the table's stream is the one that there was when it last changed the table.
    change = f"write `Stream: {table.stream_arn}` in place of `!GetAtt Table.StreamArn`"
    if own:
        return f"in the template, {change}", deploy
    # It cannot change a mapping that is gone; by another name it makes another one.
    return f"in the template, give the event of the stream's function another name, and {change}", deploy
