"""What the doctor says of the table, the functions, the sweeper and the alarms."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.aws_command import AwsCommand, read_command
from tests.fakes.stacks import (
    HEALTHY,
    NOW,
    SCHEDULE,
    TABLE,
    function,
    order,
    stack,
    with_function,
    with_table,
)
from workflow.runtime.doctor.facts import CodeFacts, RecentFacts, StackFacts, Unseen
from workflow.runtime.doctor.finding import Finding, Level
from workflow.runtime.doctor.judge import exit_code, judge, looked_at
from workflow.runtime.doctor.table_checks import INDEXES


def told(facts: StackFacts) -> list[tuple[Level, str, str]]:
    return [(finding.level, finding.what, finding.where) for finding in judge(facts)]


def mended_by(facts: StackFacts) -> list[AwsCommand]:
    lines = [line for finding in judge(facts) for line in finding.fix]
    return [read_command(line) for line in lines if not line.startswith("aws dynamodb wait ")]


def test_a_table_without_point_in_time_recovery_is_exposed() -> None:
    facts = with_table(recovery=False)

    assert told(facts) == [(Level.EXPOSED, "point-in-time recovery is off", "table shop-Table")]
    assert mended_by(facts) == [
        AwsCommand(
            "dynamodb",
            "update_continuous_backups",
            {
                "TableName": "shop-Table",
                "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True},
            },
        )
    ]


def test_protection_expiry_and_capacity_are_advice_each_with_its_command() -> None:
    facts = with_table(is_protected=False, expiry="", billing="PROVISIONED")

    assert told(facts) == [
        (Level.ADVICE, "the table is not protected from being deleted", "table shop-Table"),
        (Level.ADVICE, "nothing expires", "table shop-Table"),
        (Level.ADVICE, "the table's capacity is provisioned", "table shop-Table"),
    ]
    assert [(one.operation, one.parameters) for one in mended_by(facts)] == [
        ("update_table", {"TableName": "shop-Table", "DeletionProtectionEnabled": True}),
        (
            "update_time_to_live",
            {
                "TableName": "shop-Table",
                "TimeToLiveSpecification": {"Enabled": True, "AttributeName": "expires_at"},
            },
        ),
    ]
    (_, _, provisioned) = judge(facts)
    assert provisioned.by_hand[0] == "unless its load is known and even:"
    assert read_command(provisioned.by_hand[1]).parameters == {
        "TableName": "shop-Table",
        "BillingMode": "PAY_PER_REQUEST",
    }


def test_items_that_expire_by_another_attribute_are_told_and_changed_by_hand() -> None:
    facts = with_table(expiry="ttl")

    assert told(facts) == [(Level.ADVICE, "items expire by 'ttl', not by 'expires_at'", "table shop-Table")]
    # DynamoDB refuses it while another attribute is the one.
    assert mended_by(facts) == []


def test_the_stack_s_other_tables_are_advice() -> None:
    mine = replace(TABLE, name="shop-OrderHistory", recovery=False, is_protected=False)
    facts = stack(read_models=(mine, replace(mine, name="shop-PaymentHistory", recovery=True, is_protected=True)))

    assert told(facts) == [
        (
            Level.ADVICE,
            "point-in-time recovery is off for a table beside the entities'",
            "table shop-OrderHistory",
        ),
        (Level.ADVICE, "a table beside the entities' is not protected from being deleted", "table shop-OrderHistory"),
    ]
    assert [one.parameters["TableName"] for one in mended_by(facts)] == ["shop-OrderHistory"] * 2


def test_what_could_not_be_looked_at_of_a_table_is_no_finding_of_its_own() -> None:
    assert judge(with_table(recovery=None, expiry=None)) == []


def test_a_table_that_is_not_there_to_write_to_stands_still() -> None:
    key = "INACCESSIBLE_ENCRYPTION_CREDENTIALS"

    assert told(with_table(status=key)) == [(Level.STANDING, f"the table is {key}", "table shop-Table")]


@pytest.mark.parametrize(
    ("indexes", "what"),
    [
        (INDEXES[1:], "the index is missing"),
        ((replace(INDEXES[0], status="CREATING"), INDEXES[1]), "the index is CREATING"),
        ((replace(INDEXES[0], keys=("due",)), INDEXES[1]), "the index has the keys due, not due, due_at"),
    ],
)
def test_an_index_that_cannot_be_asked_stands_still(indexes: tuple[object, ...], what: str) -> None:
    assert told(with_table(indexes=indexes)) == [(Level.STANDING, what, "index by_due of shop-Table")]


def test_an_index_that_lacks_what_is_read_from_it_is_told_and_one_with_more_is_not() -> None:
    due, state = INDEXES
    poor = replace(state, attributes=state.attributes - {"owing", "place"})
    rich = replace(state, projection="ALL", attributes=frozenset())

    assert told(with_table(indexes=(due, poor))) == [
        (Level.STANDING, "the index lacks the attributes owing, place", "index by_state of shop-Table")
    ]
    assert judge(with_table(indexes=(due, rich))) == []


def test_a_function_that_is_missing_stands_for_what_it_does() -> None:
    facts = stack(functions=[one for one in HEALTHY.functions if one.role != "sweep"])

    assert told(facts)[0] == (
        Level.STANDING,
        "there is no function with the handler workflow.aws.lambdas.sweep.handler",
        "stack shop",
    )


def test_functions_that_could_not_be_listed_are_not_called_missing() -> None:
    facts = stack(functions=(), alarms=None, unseen=(Unseen("functions", "cloudformation:ListStackResources", "no"),))

    assert told(facts) == [(Level.UNSEEN, "not looked at: functions", "needs cloudformation:ListStackResources")]


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"state": "Failed", "state_reason": "no such subnet"}, "the function is Failed: no such subnet"),
        ({"update": "Failed", "update_reason": "image gone"}, "its last update failed: image gone"),
        ({"reserved": 0}, "its reserved concurrency is 0"),
        ({"table": "other"}, "it works on the table other"),
    ],
)
def test_a_function_that_cannot_do_its_work_is_told(change: dict[str, object], what: str) -> None:
    assert told(with_function("sweep", **change)) == [(Level.STANDING, what, "function shop-Sweep")]


def test_a_reservation_of_nothing_is_taken_away() -> None:
    assert mended_by(with_function("stream", reserved=0)) == [
        AwsCommand("lambda", "delete_function_concurrency", {"FunctionName": "shop-Stream"})
    ]


def test_functions_on_other_code_are_a_danger_only_where_their_definitions_differ() -> None:
    facts = with_function("webhook", code="two")
    own = HEALTHY.codes or {}
    alike = replace(facts, codes={**own, "two": own["one"]})
    other = replace(facts, codes={**own, "two": CodeFacts(order(target="sent"), frozenset({"cpython-311"}))})

    what = "the functions do not run the same code: stream, sweep; webhook"
    assert told(alike) == [(Level.ADVICE, what, "stack shop")]
    assert told(other) == [(Level.EXPOSED, what, "stack shop")]


def test_byte_code_and_libraries_must_be_for_what_the_function_runs_on() -> None:
    own = order()
    facts = stack(codes={"one": CodeFacts(own, frozenset({"cpython-312"}), frozenset({"x86_64"}))})

    assert [(finding.level, finding.what) for finding in judge(facts) if "Stream" in finding.where] == [
        (Level.STANDING, "its libraries are for x86_64, the function is arm64"),
        (Level.ADVICE, "its byte code is for cpython-312, the function runs on python3.11"),
    ]
    bare = stack(codes={"one": CodeFacts(own, frozenset())}, functions=HEALTHY.functions[:2])
    assert judge(bare)[0].what == "its byte code is missing, the function runs on python3.11"


def test_a_log_that_is_kept_for_ever_gets_an_end() -> None:
    facts = with_function("sweep", retention_days=0)

    assert told(facts) == [(Level.ADVICE, "its log is kept for ever", "log group /aws/lambda/shop-sweep")]
    assert mended_by(facts) == [
        AwsCommand("logs", "put_retention_policy", {"logGroupName": "/aws/lambda/shop-sweep", "retentionInDays": 30})
    ]


def test_a_sweeper_without_a_schedule_stands_still() -> None:
    assert told(stack(schedules=())) == [(Level.STANDING, "no schedule wakes the sweeper", "function shop-Sweep")]


def test_a_schedule_that_is_switched_off_is_switched_on_as_it_was() -> None:
    facts = stack(schedules=(replace(SCHEDULE, state="DISABLED"),))

    assert told(facts) == [(Level.STANDING, "the schedule is DISABLED", "schedule shop-EveryMinute")]
    assert mended_by(facts) == [
        AwsCommand(
            "scheduler",
            "update_schedule",
            {
                "Name": "shop-EveryMinute",
                "GroupName": "default",
                "ScheduleExpression": "rate(1 minute)",
                "FlexibleTimeWindow": {"Mode": "OFF"},
                "Target": {
                    "Arn": "arn:aws:lambda:eu-west-1:123456789012:function:shop-Sweep",
                    "RoleArn": "arn:aws:iam::123456789012:role/shop",
                },
                "State": "ENABLED",
            },
        )
    ]


def test_a_sweeper_that_takes_up_nothing_stands_still_and_a_late_one_does_not() -> None:
    late = stack(overdue_since=NOW - timedelta(hours=2))

    assert told(late) == [(Level.STANDING, "what is due since 2h was not taken up", "function shop-Sweep")]
    assert judge(stack(overdue_since=NOW - timedelta(minutes=4))) == []


def test_a_sweeper_that_has_not_come_is_told_once_it_had_the_time_to() -> None:
    silent = RecentFacts(10, sweeps=0)
    new = with_function("sweep", changed_at=NOW - timedelta(minutes=3))

    assert told(stack(recent=silent)) == [
        (Level.STANDING, "the sweeper has not come for 10 minutes", "function shop-Sweep")
    ]
    assert judge(replace(new, recent=silent)) == []


@pytest.mark.parametrize(
    ("age_ms", "found"),
    [
        (60_000, []),
        (90_000, [(Level.STANDING, "the oldest record waits for 1m30s", "function shop-Stream")]),
        (46_800_000, [(Level.LOSING, "the oldest record waits for 13h", "function shop-Stream")]),
    ],
)
def test_a_stream_that_is_behind_stands_still_and_one_that_is_far_behind_loses(
    age_ms: float, found: list[object]
) -> None:
    assert told(stack(recent=RecentFacts(10, age_ms=age_ms, sweeps=10))) == found


@pytest.mark.parametrize(
    ("count", "of", "level", "times"),
    [
        (1, 600, Level.ADVICE, "1 of 600 times"),
        (1, 1, Level.ADVICE, "1 time"),
        (2, 5, Level.ADVICE, "2 of 5 times"),
        (3, 5, Level.STANDING, "3 of 5 times"),
        (7, 7, Level.STANDING, "7 times"),
    ],
)
def test_a_function_stands_still_where_half_of_what_it_does_fails(
    count: int, of: int, level: Level, times: str
) -> None:
    failed = RecentFacts(10, errors={"shop-Sweep": count}, sweeps=10, invocations={"shop-Sweep": of})
    throttled = RecentFacts(10, throttles={"shop-Sweep": count}, sweeps=10, invocations={"shop-Sweep": of - count})

    where = "function shop-Sweep"
    assert told(stack(recent=failed)) == [(level, f"it failed {times} in the last 10 minutes", where)]
    assert told(stack(recent=throttled)) == [(level, f"it was throttled {times} in the last 10 minutes", where)]


@pytest.mark.parametrize(
    ("role", "why"),
    [
        ("stream", "what the stream brought comes again"),
        ("sweep", "what it left waits for the next minute's"),
        ("webhook", "senders are told that it failed, and a delivery is lost if its sender does not repeat it"),
        ("api", "callers are told that it failed, and ask again, safely with the same request id"),
    ],
)
def test_what_a_failure_means_depends_on_what_the_function_is_for(role: str, why: str) -> None:
    one = function(role)
    recent = RecentFacts(10, errors={one.name: 1}, sweeps=10)

    (finding,) = judge(stack(functions=(*HEALTHY.functions[:2], one), recent=recent))
    assert finding.why == f"a process died, or a setting is wrong; {why}"


def test_without_a_function_for_the_stream_the_others_are_looked_at_all_the_same() -> None:
    recent = RecentFacts(10, 90_000.0, {}, {"shop-Webhook": 2}, 10)
    facts = stack(functions=HEALTHY.functions[1:], mappings=None, recent=recent, alarms=None)

    assert (Level.STANDING, "it failed 2 times in the last 10 minutes", "function shop-Webhook") in told(facts)


def test_what_was_not_looked_at_is_a_finding_and_no_health() -> None:
    facts = stack(
        alarms=None,
        unseen=(Unseen("alarms", "cloudwatch:DescribeAlarms", "ClientError: AccessDenied"),),
    )

    assert judge(facts) == [
        Finding(
            Level.UNSEEN,
            "not looked at: alarms",
            "needs cloudwatch:DescribeAlarms",
            "ClientError: AccessDenied",
            "allow it to whoever calls the doctor: cloudwatch:DescribeAlarms",
        )
    ]
    assert exit_code(judge(facts)) == 2
    assert exit_code(judge(replace(facts, table=replace(TABLE, recovery=False)))) == 1
    assert not any("alarm" in what for what in looked_at(facts))
