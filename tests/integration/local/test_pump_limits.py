"""What the pump does with records that fail for good: AWS's rules, on a deployed mapping that asks for them."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest

from tests.integration.local.test_pump import seen, since, started
from tests.integration.local.test_pump import write as write_item
from workflow.aws.client import make_client
from workflow.local.deploy import Deployer
from workflow.local.embedded_cloud import EmbeddedCloud
from workflow.local.package import build
from workflow.local.pump import Counters, Delivery, Pump
from workflow.local.stack import Stack

FOREVER = str(time.time() + 3600)
# Fails the whole batch, as raising does; but the emulator starts a new process after that, for a second or two.
POISON = {"wish": "answer with no number", "until": FOREVER}
DEFAULTS: dict[str, Any] = {
    "BatchSize": 100,
    "MaximumBatchingWindowInSeconds": 0,
    "ParallelizationFactor": 1,
    "MaximumRetryAttempts": 0,
    "MaximumRecordAgeInSeconds": -1,
    "BisectBatchOnFunctionError": False,
    "FunctionResponseTypes": ["ReportBatchItemFailures"],
}


@pytest.fixture(scope="module")
def stack(embedded_cloud: EmbeddedCloud, project: Path) -> Stack:
    """A deployment of its own: its poison records would hold up the others' pumps."""
    return Deployer(embedded_cloud.endpoint_url, "limits").deploy(project / "template.yaml", build(project))


@pytest.fixture(scope="module")
def lost(stack: Stack) -> str:
    """The bucket that the template names as destination."""
    functions = make_client("lambda", endpoint_url=stack.endpoint_url)
    mapping = functions.get_event_source_mapping(UUID=stack.mapping_id)
    return str(mapping["DestinationConfig"]["OnFailure"]["Destination"].removeprefix("arn:aws:s3:::"))


def write(stack: Stack, entity_id: str, **values: str) -> None:
    # Never the same twice: a write that changes nothing makes no record.
    write_item(stack, entity_id, written=str(time.time_ns()), **values)


class Pumping:
    """A running pump, what it delivered of a test's own records, and what it counted of them."""

    def __init__(self, pump: Pump, stack: Stack, deliveries: list[Delivery]) -> None:
        self.pump, self._stack, self.deliveries = pump, stack, deliveries
        self._before = started(pump)
        deliveries.clear()

    def settings(self, **settings: Any) -> None:
        functions = make_client("lambda", endpoint_url=self._stack.endpoint_url)
        functions.update_event_source_mapping(UUID=self._stack.mapping_id, **settings)
        self.pump.follow(self._stack)

    def counted(self) -> Counters:
        self.pump.wait_until_idle(timeout_seconds=20)
        return since(self._before, self.pump.counters)


Start = Callable[..., Any]


@pytest.fixture
def start(stack: Stack, lost: str) -> Start:
    """Start a pump that is past what earlier tests wrote, then give it the settings."""
    functions = make_client("lambda", endpoint_url=stack.endpoint_url)
    destination = {"OnFailure": {"Destination": f"arn:aws:s3:::{lost}"}}

    @contextmanager
    def run(*, lanes: int = 1, **settings: Any) -> Iterator[Pumping]:
        fresh = DEFAULTS | {"ParallelizationFactor": lanes, "DestinationConfig": destination}
        functions.update_event_source_mapping(UUID=stack.mapping_id, **fresh)
        deliveries: list[Delivery] = []
        with Pump(stack, on_delivery=deliveries.append) as pump:
            pumping = Pumping(pump, stack, deliveries)
            pumping.settings(**settings)
            yield pumping

    return run


def objects(stack: Stack, bucket: str) -> dict[str, Any]:
    storage = make_client("s3", endpoint_url=stack.endpoint_url)
    keys = [found["Key"] for found in storage.list_objects_v2(Bucket=bucket).get("Contents", [])]
    return {key: json.loads(storage.get_object(Bucket=bucket, Key=key)["Body"].read()) for key in keys}


def test_bisect_isolates_the_poison_record_and_all_others_are_delivered(stack: Stack, lost: str, start: Start) -> None:
    bisect = {"BatchSize": 4, "BisectBatchOnFunctionError": True, "MaximumRetryAttempts": 1}
    with start(MaximumBatchingWindowInSeconds=20, **bisect) as pumping:
        for entity_id in "1234":
            write(stack, entity_id, **(POISON if entity_id == "3" else {}))
        counted = pumping.counted()

    sent = ["".join(key.removeprefix("order#") for key in batch) for batch in seen(pumping.deliveries)]
    assert sent == ["1234", "12", "34", "3", "3", "4"]
    assert counted == Counters(4, 0, 3, 6, 4, 1)


def test_three_retries_are_four_invocations_and_then_the_batch_lies_in_the_bucket_whole(
    stack: Stack, lost: str, start: Start
) -> None:
    with start(MaximumRetryAttempts=3) as pumping:
        before = objects(stack, lost)
        write(stack, "1", **POISON)
        counted = pumping.counted()
        write(stack, "1")
        assert pumping.counted().records_acknowledged == 1

    assert counted == Counters(1, 0, 0, 4, 4, 1)
    ((key, document),) = [(key, value) for key, value in objects(stack, lost).items() if key not in before]
    assert json.loads(document["payload"]) == {"Records": list(pumping.deliveries[0].records)}
    shard = document["DDBStreamBatchInfo"]["shardId"]
    assert re.fullmatch(
        rf"aws/lambda/{stack.mapping_id}/{shard}/(\d{{4}}/\d\d/\d\d)/\d{{4}}-\d\d-\d\dT\d\d\.\d\d\.\d\d-[0-9a-f-]{{36}}",
        key,
    )
    assert document["requestContext"]["condition"] == "RetryAttemptsExhausted"
    assert document["requestContext"]["approximateInvokeCount"] == 4
    assert pumping.deliveries[3].failure.endswith(f"RetryAttemptsExhausted: 1 given up, sent to arn:aws:s3:::{lost}")


def queue(stack: Stack, name: str) -> tuple[str, str]:
    queues = make_client("sqs", endpoint_url=stack.endpoint_url)
    url = queues.create_queue(QueueName=name)["QueueUrl"]
    return url, queues.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]


def received(stack: Stack, url: str) -> Any:
    queues = make_client("sqs", endpoint_url=stack.endpoint_url)
    (message,) = queues.receive_message(QueueUrl=url, WaitTimeSeconds=2)["Messages"]
    return json.loads(message["Body"])


def allow(stack: Stack, action: str, resource: str) -> None:
    """Lets the function's role do what a destination other than the template's asks for."""
    functions = make_client("lambda", endpoint_url=stack.endpoint_url)
    role = functions.get_function_configuration(FunctionName=stack.function_name)["Role"].rpartition("/")[2]
    statement = {"Effect": "Allow", "Action": action, "Resource": resource}
    make_client("iam", endpoint_url=stack.endpoint_url).put_role_policy(
        RoleName=role,
        PolicyName=action.partition(":")[0],
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
    )


def test_a_queue_gets_the_position_of_the_records_and_not_the_records(stack: Stack, start: Start) -> None:
    url, arn = queue(stack, "given-up")
    allow(stack, "sqs:*", arn)
    with start(DestinationConfig={"OnFailure": {"Destination": arn}}) as pumping:
        write(stack, "1", wish="raise", until=FOREVER)
        assert pumping.counted() == Counters(1, 0, 0, 1, 1, 1)

    document, change = received(stack, url), pumping.deliveries[0].records[0]["dynamodb"]
    assert sorted(document) == ["DDBStreamBatchInfo", "requestContext", "responseContext", "timestamp", "version"]
    assert document["DDBStreamBatchInfo"]["startSequenceNumber"] == change["SequenceNumber"]
    assert document["DDBStreamBatchInfo"]["batchSize"] == 1
    assert document["responseContext"] == {
        "statusCode": 200,
        "executedVersion": "$LATEST",
        "functionError": "Unhandled",
    }


def test_a_topic_gets_what_a_queue_gets(stack: Stack, start: Start) -> None:
    url, arn = queue(stack, "subscribed")
    topics = make_client("sns", endpoint_url=stack.endpoint_url)
    topic = topics.create_topic(Name="given-up")["TopicArn"]
    allow(stack, "sns:Publish", topic)
    allowed = {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed | {"Resource": arn}]})
    make_client("sqs", endpoint_url=stack.endpoint_url).set_queue_attributes(
        QueueUrl=url, Attributes={"Policy": policy}
    )
    raw = {"RawMessageDelivery": "true"}
    topics.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes=raw)
    with start(DestinationConfig={"OnFailure": {"Destination": topic}}) as pumping:
        write(stack, "1", **POISON)
        assert pumping.counted() == Counters(1, 0, 0, 1, 1, 1)

    document = received(stack, url)
    assert sorted(document) == ["DDBStreamBatchInfo", "requestContext", "responseContext", "timestamp", "version"]


def test_a_destination_that_is_not_there_loses_the_records_says_so_and_holds_nothing_up(
    stack: Stack, start: Start
) -> None:
    missing = "arn:aws:sqs:us-east-1:000000000000:missing"
    with start(DestinationConfig={"OnFailure": {"Destination": missing}}) as pumping:
        write(stack, "1", **POISON)
        assert pumping.counted() == Counters(1, 0, 0, 1, 1, 1)
        assert f"1 given up, and lost: {missing} did not take them: " in pumping.deliveries[0].failure


def test_a_destination_that_the_functions_role_may_not_write_to_loses_the_records_and_says_so(
    stack: Stack, start: Start
) -> None:
    storage = make_client("s3", endpoint_url=stack.endpoint_url)
    storage.create_bucket(Bucket="not-ours")
    with start(DestinationConfig={"OnFailure": {"Destination": "arn:aws:s3:::not-ours"}}) as pumping:
        write(stack, "1", **POISON)
        assert pumping.counted() == Counters(1, 0, 0, 1, 1, 1)
    assert "not-ours did not take them: " in pumping.deliveries[0].failure
    assert "AccessDenied" in pumping.deliveries[0].failure
    assert objects(stack, "not-ours") == {}


def test_a_record_that_grew_too_old_is_given_up_and_the_next_one_delivered(
    stack: Stack, lost: str, start: Start
) -> None:
    with start(MaximumRetryAttempts=-1, MaximumRecordAgeInSeconds=2) as pumping:
        before = objects(stack, lost)
        write(stack, "1", **POISON)
        counted = pumping.counted()
        write(stack, "2")
        assert pumping.counted().records_acknowledged == 1

    assert counted == Counters(1, 0, 0, counted.invocations, counted.invocations, 1)
    assert counted.invocations >= 1
    ((_, document),) = [(key, value) for key, value in objects(stack, lost).items() if key not in before]
    assert document["requestContext"]["condition"] == "RecordAgeExceeded"
    assert document["requestContext"]["approximateInvokeCount"] == counted.invocations


def test_lanes_run_side_by_side_and_keep_the_order_of_each_item(stack: Stack, start: Start) -> None:
    with start(lanes=4, BatchSize=1) as pumping:
        began = time.monotonic()
        for change in "12":
            for entity_id in "abcd":
                write(stack, entity_id, wish="sleep", change=change)
        pumping.counted()
        took_seconds = time.monotonic() - began

    changes = [delivery.records[0]["dynamodb"]["NewImage"] for delivery in pumping.deliveries]
    by_item = sorted(((change["id"]["S"], change["change"]["S"]) for change in changes), key=lambda pair: pair[0])
    order = {item: "".join(change for _, change in pairs) for item, pairs in groupby(by_item, key=lambda pair: pair[0])}
    assert order == dict.fromkeys("abcd", "12")
    assert took_seconds < sum(delivery.duration_ms for delivery in pumping.deliveries) / 1000


def test_a_batching_window_gathers_what_comes_one_by_one(stack: Stack, start: Start) -> None:
    with start(MaximumBatchingWindowInSeconds=1) as pumping:
        for entity_id in "123":
            write(stack, entity_id)
            time.sleep(0.15)
        pumping.counted()
    assert seen(pumping.deliveries) == [["order#1", "order#2", "order#3"]]
