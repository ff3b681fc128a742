"""What the doctor says of the stream, its mapping, and what that does with a batch that fails."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.aws_command import AwsCommand, read_command
from tests.fakes.stacks import (
    ALARMS,
    HEALTHY,
    MAPPING,
    MAPPING_ID,
    NOW,
    STREAM,
    TABLE,
    alarms_on,
    stack,
    with_function,
    with_mapping,
    with_table,
)
from workflow.runtime.doctor.facts import LostFacts, MappingFacts, RecentFacts, StackFacts
from workflow.runtime.doctor.finding import Finding, Level
from workflow.runtime.doctor.judge import exit_code, judge


def told(facts: StackFacts) -> list[tuple[Level, str]]:
    return [(finding.level, finding.what) for finding in judge(facts)]


def the_one(facts: StackFacts) -> Finding:
    (finding,) = judge(facts)
    return finding


def test_a_healthy_stack_has_no_findings() -> None:
    assert judge(HEALTHY) == []
    assert exit_code(judge(HEALTHY)) == 0


def test_a_disabled_mapping_loses_work_and_is_switched_on_by_one_command() -> None:
    assert the_one(with_mapping(state="Disabled", state_reason="USER_INITIATED")) == Finding(
        Level.LOSING,
        "the mapping is Disabled (USER_INITIATED)",
        f"mapping {MAPPING_ID}",
        "no hook runs. DynamoDB keeps a stream's records for 24 hours; what was not delivered by then is lost to its "
        "hooks",
        "switch it on, then `workflow reconcile`",
        (
            f"aws lambda update-event-source-mapping --uuid {MAPPING_ID} --enabled --region eu-west-1",
            "workflow reconcile",
        ),
    )


def test_a_disabled_mapping_is_named_on_the_embedded_cloud_too() -> None:
    here = replace(
        with_mapping(state="Disabled"), is_embedded=True, endpoint_url="http://127.0.0.1:4566", region="us-east-1"
    )

    assert the_one(here).fix[0] == (
        f"aws lambda update-event-source-mapping --uuid {MAPPING_ID} --enabled --region us-east-1 "
        "--endpoint-url http://127.0.0.1:4566"
    )


@pytest.mark.parametrize("state", ["Creating", "Enabling", "Updating"])
def test_a_mapping_that_is_about_to_work_is_no_finding(state: str) -> None:
    assert judge(with_mapping(state=state)) == []


def test_without_a_mapping_one_is_made_with_all_that_it_needs() -> None:
    finding = the_one(stack(mappings=()))

    assert (finding.level, finding.what) == (Level.LOSING, "no mapping leads from the stream to its function")
    assert read_command(finding.fix[0]) == AwsCommand(
        "lambda",
        "create_event_source_mapping",
        {
            "FunctionName": "shop-Stream",
            "EventSourceArn": STREAM,
            "StartingPosition": "TRIM_HORIZON",
            "BatchSize": 100,
            "ParallelizationFactor": 1,
            "MaximumBatchingWindowInSeconds": 0,
            "FunctionResponseTypes": ["ReportBatchItemFailures"],
            "BisectBatchOnFunctionError": True,
            "MaximumRetryAttempts": 20,
            "MaximumRecordAgeInSeconds": 43200,
            "FilterCriteria": {"Filters": [{"Pattern": '{"dynamodb":{"Keys":{"sk":{"S":["entity"]}}}}'}]},
            "MetricsConfig": {"Metrics": ["EventCount"]},
            "DestinationConfig": {"OnFailure": {"Destination": "arn:aws:s3:::shop-lost"}},
        },
    )


OLD = STREAM.replace("2026-01", "2025-01")
REMOVED = "aws lambda delete-event-source-mapping --uuid {} --region eu-west-1"


def test_a_stream_made_anew_gets_a_mapping_by_hand_and_the_stack_keeps_its_own() -> None:
    old = with_mapping(stream_arn=OLD, batch_size=7, parallel=3, window_seconds=2, metrics=("EventCount",))
    finding = judge(old)[0]

    assert (finding.level, finding.where) == (Level.LOSING, f"mapping {MAPPING_ID}, on {OLD}")
    made, then = finding.fix
    settings = read_command(made).parameters
    assert {name: settings[name] for name in ("EventSourceArn", "StartingPosition", "BatchSize")} == {
        "EventSourceArn": STREAM,
        "StartingPosition": "TRIM_HORIZON",
        "BatchSize": 7,
    }
    assert (settings["ParallelizationFactor"], settings["MaximumBatchingWindowInSeconds"]) == (3, 2)
    assert settings["MetricsConfig"] == {"Metrics": ["EventCount"]}
    assert then == "workflow reconcile"
    # CloudFormation changes a mapping by its id: removed, it would make the next deployment fail.
    assert not any("delete" in line for line in (*finding.fix, *finding.by_hand))
    assert "the stack does not know that mapping" in finding.way_out


def test_a_mapping_of_an_alias_is_made_again_for_the_alias() -> None:
    alias = f"{MAPPING.function}:live"

    assert (
        read_command(the_one(with_mapping(stream_arn=OLD, function=alias)).fix[0]).parameters["FunctionName"] == alias
    )


HANDMADE = replace(MAPPING, mapping_id="made-by-hand", is_own=False)
CHANGE = f"write `Stream: {STREAM}` in place of `!GetAtt Table.StreamArn`"


@pytest.mark.parametrize(
    ("own", "before", "then"),
    [
        ((replace(MAPPING, stream_arn=OLD),), f"in the template, {CHANGE}", "sam build && sam deploy"),
        (
            (),
            f"in the template, give the event of the stream's function another name, and {CHANGE}",
            "sam build && sam deploy",
        ),
        (
            (replace(MAPPING, state="Disabled"),),
            f"see that the stack's own mapping {MAPPING_ID} may be switched on",
            f"aws lambda update-event-source-mapping --uuid {MAPPING_ID} --enabled --region eu-west-1",
        ),
    ],
    ids=["its own reads a stream that was", "its own is gone", "its own is switched off"],
)
def test_a_mapping_made_by_hand_works_and_is_told_how_it_gets_into_the_stack(
    own: tuple[MappingFacts, ...], before: str, then: str
) -> None:
    finding = the_one(stack(mappings=(HANDMADE, *own), alarms=alarms_on("made-by-hand")))

    assert (finding.level, finding.what, finding.where) == (
        Level.ADVICE,
        "the mapping that works was made by hand: the stack does not know it",
        "mapping made-by-hand",
    )
    assert finding.way_out == f"{before}; then put the stack's in its place"
    assert (finding.fix, finding.by_hand) == (
        (),
        (f"{before}; then, one right after the other:", REMOVED.format("made-by-hand"), then),
    )


def test_two_mappings_that_bring_the_same_records_are_found() -> None:
    finding = the_one(stack(mappings=(HANDMADE, MAPPING)))

    assert (finding.level, finding.what, finding.where) == (
        Level.EXPOSED,
        "2 mappings bring the same records to the function",
        f"mapping {MAPPING_ID}, mapping made-by-hand",
    )
    assert (finding.fix, finding.by_hand) == (
        (),
        ("once you know that nobody needs it:", REMOVED.format("made-by-hand")),
    )
    assert judge(stack(mappings=(replace(HANDMADE, state="Disabled"), MAPPING))) == []


def test_beside_a_mapping_that_works_an_old_one_is_only_in_the_way() -> None:
    old = replace(HANDMADE, stream_arn=OLD)
    finding = the_one(stack(mappings=(old, MAPPING)))

    assert (finding.level, finding.what, finding.fix) == (
        Level.ADVICE,
        "the mapping reads another stream than the table has now",
        (),
    )
    assert finding.by_hand[1:] == (REMOVED.format("made-by-hand"),)


def test_a_table_without_a_stream_loses_work_whatever_its_mapping_says() -> None:
    finding = the_one(with_table(stream_arn=""))

    assert (finding.level, finding.what) == (Level.LOSING, "the table has no stream")
    assert read_command(finding.fix[0]).parameters == {
        "TableName": "shop-Table",
        "StreamSpecification": {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    }


@pytest.mark.parametrize(
    ("view", "level", "cost"),
    [
        ("KEYS_ONLY", Level.EXPOSED, "no image: each transition costs two reads"),
        ("NEW_IMAGE", Level.ADVICE, "no old image: each transition costs a query"),
        ("OLD_IMAGE", Level.EXPOSED, "no new image: each transition costs a read of its event"),
    ],
)
def test_a_stream_without_both_images_says_what_that_costs(view: str, level: Level, cost: str) -> None:
    finding = the_one(with_table(stream_view=view))

    assert (finding.level, finding.what) == (level, f"the stream carries {view}, not NEW_AND_OLD_IMAGES")
    assert finding.why.startswith(cost)


FAILED = "PROBLEM: Function call failed"


@pytest.mark.parametrize(
    "recent",
    [
        None,
        RecentFacts(10, errors={"shop-Stream": 1}, invocations={"shop-Stream": 9}),
        RecentFacts(10, throttles={"shop-Stream": 1}, invocations={"shop-Stream": 9}),
        RecentFacts(10, age_ms=90_000),
    ],
)
def test_a_mapping_whose_batches_fail_stands_still(recent: RecentFacts | None) -> None:
    found = told(replace(with_mapping(last_result=FAILED), recent=recent))
    assert (Level.STANDING, f"the mapping has a problem: {FAILED}") in found


def test_the_last_batch_s_problem_is_over_once_nothing_fails_and_nothing_waits() -> None:
    assert told(with_mapping(last_result=FAILED)) == [(Level.ADVICE, f"the last batch had a problem: {FAILED}")]


def test_what_hinders_the_mapping_itself_stands_still_since_no_metric_tells_of_it() -> None:
    denied = "PROBLEM: Lambda is not authorized to read the stream"

    assert told(with_mapping(last_result=denied)) == [(Level.STANDING, f"the mapping has a problem: {denied}")]


SETTINGS = [
    (
        {"reports_failures": False},
        "ReportBatchItemFailures is not set",
        {"FunctionResponseTypes": ["ReportBatchItemFailures"]},
    ),
    ({"bisects": False}, "a batch that makes the function fail is not halved", {"BisectBatchOnFunctionError": True}),
    (
        {"retries": -1},
        "a failing batch is tried again without end (MaximumRetryAttempts -1)",
        {"MaximumRetryAttempts": 20},
    ),
    (
        {"age_seconds": -1},
        "records are delivered however old they are (MaximumRecordAgeInSeconds -1)",
        {"MaximumRecordAgeInSeconds": 43200},
    ),
    ({"age_seconds": 60}, "records are given up when they are 60 s old", {"MaximumRecordAgeInSeconds": 43200}),
    (
        {"destination": ""},
        "lost records go nowhere",
        {"DestinationConfig": {"OnFailure": {"Destination": "arn:aws:s3:::shop-lost"}}},
    ),
    (
        {"destination": "arn:aws:sqs:eu-west-1:123456789012:lost"},
        "lost records go to sqs, which gets their position alone",
        {"DestinationConfig": {"OnFailure": {"Destination": "arn:aws:s3:::shop-lost"}}},
    ),
    (
        {"patterns": ()},
        "the mapping lets through what is no entity",
        {"FilterCriteria": {"Filters": [{"Pattern": '{"dynamodb":{"Keys":{"sk":{"S":["entity"]}}}}'}]}},
    ),
]


@pytest.mark.parametrize(("setting", "what", "change"), SETTINGS, ids=[what for _, what, _ in SETTINGS])
def test_a_setting_that_can_lose_or_hold_up_records_is_named_and_mended(
    setting: dict[str, object], what: str, change: dict[str, object]
) -> None:
    finding = the_one(with_mapping(**setting))

    assert (finding.level, finding.what) == (Level.EXPOSED, what)
    assert [read_command(line) for line in finding.fix] == [
        AwsCommand("lambda", "update_event_source_mapping", {"UUID": MAPPING_ID, **change})
    ]


def test_a_filter_may_be_written_in_another_way() -> None:
    assert judge(with_mapping(patterns=('{"dynamodb": {"Keys": {"sk": {"S": [ "entity" ]}}}}',))) == []


def test_tries_must_outlast_the_lease_of_a_process_that_died() -> None:
    # Twenty tries take 142 s; with a timeout of 15 minutes the lease stands for 905.
    slow = with_function("stream", timeout_seconds=900)

    finding = the_one(slow)
    assert finding.what == "a batch is given up after 20 tries, about 143 s"
    tries = read_command(finding.fix[0]).parameters["MaximumRetryAttempts"]
    assert judge(replace(slow, mappings=(replace(MAPPING, retries=tries),))) == []
    assert judge(replace(slow, mappings=(replace(MAPPING, retries=tries - 1),))) != []


def test_where_a_mapping_began_and_how_long_it_gathers_is_advice() -> None:
    assert told(with_mapping(starting_position="LATEST", window_seconds=30)) == [
        (Level.ADVICE, "the mapping began at LATEST"),
        (Level.ADVICE, "batches are gathered for up to 30 s"),
    ]
    assert exit_code(judge(with_mapping(starting_position="LATEST"))) == 0


def test_lost_records_are_told_with_their_number_and_age() -> None:
    lost = LostFacts("shop-lost", 1000, True, NOW.replace(hour=9), NOW.replace(hour=11))

    assert told(stack(lost=lost)) == [(Level.LOSING, "1000 or more batches of records were given up, the first 3h ago")]


def test_lost_records_are_removed_by_hand_and_from_nowhere_but_where_lambda_put_them() -> None:
    lost = LostFacts("shop-lost", 2, prefixes=("aws/lambda/one/", "aws/lambda/two/"))
    finding = the_one(stack(lost=lost))

    assert (finding.fix, finding.by_hand) == (
        ("workflow reconcile",),
        (
            "once that has found nothing more:",
            "aws s3 rm s3://shop-lost/aws/lambda/one/ --recursive --region eu-west-1",
            "aws s3 rm s3://shop-lost/aws/lambda/two/ --recursive --region eu-west-1",
        ),
    )


def test_the_most_dangerous_is_told_first_and_decides_how_the_doctor_ends() -> None:
    ill = stack(
        table=replace(TABLE, recovery=False, is_protected=False),
        mappings=(replace(MAPPING, state="Disabled", bisects=False),),
        alarms=ALARMS[1:],
        lost=LostFacts("shop-lost", 2),
    )

    assert [(finding.level.name, finding.what) for finding in judge(ill)] == [
        ("LOSING", "the mapping is Disabled"),
        ("LOSING", "2 batches of records were given up"),
        ("EXPOSED", "a batch that makes the function fail is not halved"),
        ("EXPOSED", "point-in-time recovery is off"),
        ("BLIND", "no alarm on effects that wait for a person"),
        ("ADVICE", "the table is not protected from being deleted"),
    ]
    assert exit_code(judge(ill)) == 1
