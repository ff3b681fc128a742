"""What is read of a deployed stack is asked for in the right places, and nothing of it falls under the table."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.stub import Stubber

from tests.aws_command import AwsCommand, read_command
from tests.fakes.stacks import STREAM, function, stack
from workflow.aws.client import make_client
from workflow.aws.delivery_items import write_ledger_entry
from workflow.aws.deployed.delivery import read_mappings
from workflow.aws.deployed.entities import read_lost, read_parked
from workflow.aws.deployed.find_stack import Resource
from workflow.aws.deployed.stack_facts import lost_prefixes
from workflow.aws.deployed.watching import read_schedules
from workflow.runtime.doctor.facts import LostFacts, MappingFacts
from workflow.runtime.doctor.judge import judge
from workflow.runtime.ledger_entry import LedgerEntry, Outcome, Parked

NOW = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)


def stubbed(service: str) -> tuple[Any, Stubber]:
    """A client whose answers are given beforehand, and checked against the service's own model."""
    client = make_client(service, endpoint_url="http://127.0.0.1:1")
    return client, Stubber(client)


def test_every_setting_of_a_schedule_is_told_again_when_it_is_switched_on() -> None:
    sweep = function("sweep")
    kept = {
        "Name": "shop-EveryMinute",
        "GroupName": "shop",
        "ScheduleExpression": "rate(1 minute)",
        "ScheduleExpressionTimezone": "Europe/Berlin",
        "StartDate": NOW - timedelta(days=30),
        "EndDate": NOW + timedelta(days=30),
        "Description": "sweeps",
        "KmsKeyArn": "arn:aws:kms:eu-west-1:123456789012:key/1",
        "FlexibleTimeWindow": {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 1},
        "ActionAfterCompletion": "NONE",
        "Target": {
            "Arn": sweep.arn,
            "RoleArn": "arn:aws:iam::123456789012:role/shop",
            "Input": '{"by": "schedule"}',
            "RetryPolicy": {"MaximumEventAgeInSeconds": 60, "MaximumRetryAttempts": 0},
            "DeadLetterConfig": {"Arn": "arn:aws:sqs:eu-west-1:123456789012:dead"},
        },
    }
    client, stub = stubbed("scheduler")
    listed = {"Name": kept["Name"], "GroupName": "shop", "Target": {"Arn": sweep.arn}}
    told = {"Arn": "arn:aws:scheduler:::s", "State": "DISABLED", "CreationDate": NOW, "LastModificationDate": NOW}
    stub.add_response("list_schedules", {"Schedules": [listed]})
    stub.add_response("get_schedule", {**kept, **told}, {"Name": kept["Name"], "GroupName": "shop"})
    with stub:
        schedules = read_schedules(client, sweep)

    (finding,) = judge(stack(schedules=schedules))
    dates = {name: kept[name].isoformat() for name in ("StartDate", "EndDate")}  # type: ignore[attr-defined]
    assert [read_command(line) for line in finding.fix] == [
        AwsCommand("scheduler", "update_schedule", {**kept, **dates, "State": "ENABLED"})
    ]


def listed_mapping(number: int, function_arn: str, **changes: object) -> dict[str, object]:
    uuid = f"{number:08}-e3a9-42af-ab16-02c2e9e548a4"
    return {"UUID": uuid, "EventSourceArn": STREAM, "FunctionArn": function_arn, "State": "Enabled", **changes}


def test_mappings_of_an_alias_and_those_made_by_hand_are_read_and_other_functions_left_alone() -> None:
    one = function("stream")
    own = listed_mapping(1, one.arn, MetricsConfig={"Metrics": ["EventCount"]})
    queue = listed_mapping(2, one.arn, EventSourceArn="arn:aws:sqs:eu-west-1:123456789012:q")
    of_alias, other = listed_mapping(3, f"{one.arn}:live"), listed_mapping(4, f"{one.arn}2")
    client, stub = stubbed("lambda")
    answers = (([own, queue], {"FunctionName": one.name}), ([own, of_alias, other], {"EventSourceArn": STREAM}))
    for answer, asked in answers:
        stub.add_response("list_event_source_mappings", {"EventSourceMappings": answer}, asked)
    with stub:
        found = read_mappings(client, one, STREAM, {str(own["UUID"])})

    assert [(each.mapping_id, each.is_own, each.metrics) for each in found] == [
        (own["UUID"], True, ("EventCount",)),
        (of_alias["UUID"], False, ()),
    ]


def test_lost_records_are_looked_for_where_lambda_puts_them_and_nowhere_else() -> None:
    client, stub = stubbed("s3")
    early, late = NOW - timedelta(hours=2), NOW - timedelta(hours=1)
    contents = [{"Key": "aws/lambda/one/x", "LastModified": late}, {"Key": "aws/lambda/one/y", "LastModified": early}]
    asked = [{"Bucket": "shared", "Prefix": f"aws/lambda/{uuid}/"} for uuid in ("one", "two")]
    stub.add_response("list_objects_v2", {"Contents": contents, "IsTruncated": True}, asked[0])
    stub.add_response("list_objects_v2", {}, asked[1])
    with stub:
        found = read_lost(client, "shared", ("aws/lambda/one/", "aws/lambda/two/"))

    assert found == LostFacts("shared", 2, True, early, late, ("aws/lambda/one/", "aws/lambda/two/"))


def test_of_a_shared_bucket_only_the_function_s_own_records_count_and_of_the_stack_s_own_all() -> None:
    mappings = [MappingFacts(uuid, STREAM, "", "Enabled") for uuid in ("one", "two")]
    resources = [Resource("LostRecords", "AWS::S3::Bucket", "mine")]

    assert lost_prefixes("shared", mappings, resources) == ("aws/lambda/one/", "aws/lambda/two/")
    # What a mapping gave up that is gone by now is lost all the same.
    assert lost_prefixes("mine", mappings, resources) == ("aws/lambda/",)


class Aside:
    """A table in which so many entities wait for a person, and so many for their next try."""

    def __init__(self, people: int, others: int) -> None:
        self._items = {}
        for number in range(people + others):
            later = None if number < people else NOW + timedelta(minutes=1)
            parked = Parked("send", "attempts", NOW, later)
            entry = LedgerEntry("order", str(number), 2, "me", NOW, {"send": Outcome("failed", 1)}, parked)
            self._items[f"order#{number}"] = write_ledger_entry(entry)
        self.read = 0

    def get_paginator(self, _: str) -> Aside:
        return self

    def paginate(self, **request: Any) -> Iterator[dict[str, Any]]:
        due = request["ExpressionAttributeValues"][":due"]
        yield {"Items": [item for item in self._items.values() if item["due"] == due]}

    def get_item(self, **request: Any) -> dict[str, Any]:
        self.read += 1
        return {"Item": self._items[request["Key"]["pk"]["S"]]}


@pytest.mark.parametrize(
    ("people", "others", "found", "cut"),
    [
        (250, 250, (250, 250), set()),
        (251, 3, (250, 3), {"parked"}),
        (600, 251, (250, 250), {"parked", "due"}),
    ],
)
def test_those_that_wait_for_a_person_do_not_hide_those_that_go_on_by_themselves(
    people: int, others: int, found: tuple[int, int], cut: set[str]
) -> None:
    table = Aside(people, others)
    entries, told = read_parked(table, "shop-Table", "")

    by_people = sum(one.for_person for one in entries)
    assert ((by_people, len(entries) - by_people), told) == (found, cut)
    assert table.read == sum(found)
