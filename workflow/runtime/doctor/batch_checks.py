"""What the mapping does with a batch that fails: whether that can hold up a shard or lose records. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import NamedTuple

from workflow.runtime.doctor.facts import MappingFacts, StackFacts
from workflow.runtime.doctor.finding import Finding, Findings, Level, aws
from workflow.runtime.doctor.stream_checks import BUCKET, ENTITY_FILTER, bucket_arn

# Of a lease that outlives the invocation which took it; see the stream function's Timeout in template.yaml.
_LEASE_AFTER_SECONDS = 5
# AWS does not say how long it waits between tries. Doubled up to ten seconds, as the local pump does.
_FIRST_WAIT_SECONDS, _LONGEST_WAIT_SECONDS = 0.1, 10.0
_MOST_TRIES = 200


class _Wrong(NamedTuple):
    level: Level
    what: str
    why: str
    way_out: str
    change: tuple[str, ...] = ()


def settings(facts: StackFacts) -> Findings:
    """Whether what the mapping does with a batch that fails can hold up a shard or lose records."""
    for mapping in facts.mappings or ():
        for level, what, why, way_out, change in _settings(facts, mapping):
            fix = aws(facts, "lambda", "update-event-source-mapping", "--uuid", mapping.mapping_id, *change)
            where = f"mapping {mapping.mapping_id}"
            yield Finding(level, what, where, why, way_out, (fix,) if change else ())


def _settings(facts: StackFacts, mapping: MappingFacts) -> Iterator[_Wrong]:
    if not mapping.reports_failures:
        yield _Wrong(
            Level.EXPOSED,
            "ReportBatchItemFailures is not set",
            "what the function could not note is taken for done: nothing brings it again",
            "set it",
            ("--function-response-types", "ReportBatchItemFailures"),
        )
    yield from _where_lost_records_go(facts, mapping)
    yield from _limits(mapping, _lease_seconds(facts))
    yield from _less_dangerous(mapping)


def _limits(mapping: MappingFacts, lease_seconds: int) -> Iterator[_Wrong]:
    if mapping.retries < 0:
        yield _Wrong(
            Level.EXPOSED,
            "a failing batch is tried again without end (MaximumRetryAttempts -1)",
            "one record that always fails holds up its shard until it is a day old",
            "give it an end: 20",
            ("--maximum-retry-attempts", "20"),
        )
    elif _tried_for_seconds(mapping.retries) < lease_seconds:
        yield _Wrong(
            Level.EXPOSED,
            f"a batch is given up after {mapping.retries} tries, about {_tried_for_seconds(mapping.retries):.0f} s",
            f"what a process that died had in hand cannot be taken over for {lease_seconds} s, its lease",
            "let it be tried longer: 20 times and more",
            ("--maximum-retry-attempts", str(_tries_for(lease_seconds))),
        )
    if mapping.age_seconds < 0:
        yield _Wrong(
            Level.EXPOSED,
            "records are delivered however old they are (MaximumRecordAgeInSeconds -1)",
            "where the function cannot be invoked, they expire with the stream after a day and go to no bucket",
            "give them half a day",
            ("--maximum-record-age-in-seconds", "43200"),
        )
    elif mapping.age_seconds < lease_seconds:
        yield _Wrong(
            Level.EXPOSED,
            f"records are given up when they are {mapping.age_seconds} s old",
            f"what a process that died had in hand cannot be taken over for {lease_seconds} s, its lease",
            "give them half a day",
            ("--maximum-record-age-in-seconds", "43200"),
        )


def _where_lost_records_go(facts: StackFacts, mapping: MappingFacts) -> Iterator[_Wrong]:
    if mapping.destination.startswith(BUCKET):
        return
    bucket = bucket_arn(facts)
    service = mapping.destination.split(":")[2] if mapping.destination.count(":") > 2 else ""
    yield _Wrong(
        Level.EXPOSED,
        f"lost records go to {service}, which gets their position alone" if service else "lost records go nowhere",
        "what the mapping gives up on is gone with the stream after a day"
        if service
        else "what it gives up on is gone",
        "name the bucket LostRecords" if bucket else "deploy the template's bucket LostRecords, and name it",
        ("--destination-config", json.dumps({"OnFailure": {"Destination": bucket}})) if bucket else (),
    )


def _less_dangerous(mapping: MappingFacts) -> Iterator[_Wrong]:
    if not mapping.bisects:
        yield _Wrong(
            Level.EXPOSED,
            "a batch that makes the function fail is not halved",
            "one record that kills the process takes the others of its batch with it, try after try",
            "have it bisected",
            ("--bisect-batch-on-function-error",),
        )
    if not _is_filtered(mapping):
        yield _Wrong(
            Level.EXPOSED,
            "the mapping lets through what is no entity",
            "every event, request and effect that is written wakes the function again: it costs, and delays entities",
            "filter by sk = entity",
            ("--filter-criteria", json.dumps({"Filters": [{"Pattern": ENTITY_FILTER}]})),
        )
    if mapping.starting_position != "TRIM_HORIZON":
        yield _Wrong(
            Level.ADVICE,
            f"the mapping began at {mapping.starting_position}",
            "what was written while it was being made may have been missed, and will be when it is made again",
            "`workflow reconcile` once; TRIM_HORIZON in the template, which makes a new mapping",
        )
    if mapping.window_seconds:
        yield _Wrong(
            Level.ADVICE,
            f"batches are gathered for up to {mapping.window_seconds} s",
            "every hook begins that much later",
            "no window, unless that is meant",
            ("--maximum-batching-window-in-seconds", "0"),
        )


def _is_filtered(mapping: MappingFacts) -> bool:
    return bool(mapping.patterns) and all(_keys_of(pattern) == ["entity"] for pattern in mapping.patterns)


def _keys_of(pattern: str) -> object:
    try:
        return json.loads(pattern)["dynamodb"]["Keys"]["sk"]["S"]
    except (ValueError, KeyError, TypeError):
        return None


def _lease_seconds(facts: StackFacts) -> int:
    function = facts.find_function("stream")
    return (function.timeout_seconds if function else 60) + _LEASE_AFTER_SECONDS


def _tried_for_seconds(tries: int) -> float:
    waits = (_FIRST_WAIT_SECONDS * 2.0 ** min(number, 10) for number in range(min(tries, _MOST_TRIES)))
    return sum(min(wait, _LONGEST_WAIT_SECONDS) for wait in waits)


def _tries_for(seconds: int) -> int:
    return max(20, next(tries for tries in range(1, _MOST_TRIES + 1) if _tried_for_seconds(tries) > seconds))
