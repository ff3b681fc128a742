"""Calls to SQS, SNS and EventBridge: what is sent, how much at once, and what becomes of what is not taken."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from workflow.aws.publish.publisher import AwsPublisher
from workflow.errors import MessageTooLargeError, PublishError, PublishRefusedError
from workflow.runtime.publish.port import Message, Target

AT = datetime(2026, 1, 31, 12, tzinfo=UTC)
FIFO, QUEUE, TOPIC, BUS = (
    Target("sqs", "q.fifo"),
    Target("sqs", "q"),
    Target("sns", "t.fifo"),
    Target("eventbridge", "b"),
)
URL = "https://sqs.example/1/q"


def message(number: int, *, size: int = 0, overflow: str = "", id: str = "") -> Message:
    group = f"order#{id or number}"
    envelope = {"id": f"{group}#1#p", "source": "/shop", "data": {"filling": "x" * size}}
    return Message(f"{group}#1#p", group, "Paid", AT, envelope, overflow)


class Meta:
    region_name = "eu-central-1"


class Aws:
    """All services at once: what they were asked, and what they answer for what they do not take."""

    meta = Meta()

    def __init__(self) -> None:
        self.made: list[str] = []
        self.asked: list[tuple[str, Any]] = []
        self.refuse: Callable[[str], tuple[str, bool] | None] = lambda key: None
        """Code and fault of ours, for the key of a message."""
        self.raises: Callable[[str, Sequence[Any]], Exception | None] = lambda operation, entries: None

    def client(self, service: str) -> Aws:
        self.made.append(service)
        return self

    def _ask(self, operation: str, asked: Any, entries: Sequence[Any] = ()) -> None:
        self.asked.append((operation, asked))
        if error := self.raises(operation, entries):
            raise error

    def _failed(self, entries: Sequence[Any], body: str) -> dict[str, Any]:
        found = [(entry["Id"], self.refuse(json.loads(entry[body])["id"])) for entry in entries]
        return {
            "Failed": [
                {"Id": id, "Code": told[0], "Message": "why", "SenderFault": told[1]} for id, told in found if told
            ]
        }

    def get_queue_url(self, QueueName: str) -> dict[str, str]:  # noqa: N803
        self._ask("get_queue_url", QueueName)
        return {"QueueUrl": URL}

    def send_message_batch(self, QueueUrl: str, Entries: list[Any]) -> dict[str, Any]:  # noqa: N803
        self._ask("send_message_batch", (QueueUrl, Entries), Entries)
        return self._failed(Entries, "MessageBody")

    def publish_batch(self, TopicArn: str, PublishBatchRequestEntries: list[Any]) -> dict[str, Any]:  # noqa: N803
        self._ask("publish_batch", (TopicArn, PublishBatchRequestEntries), PublishBatchRequestEntries)
        return self._failed(PublishBatchRequestEntries, "Message")

    def get_caller_identity(self) -> dict[str, str]:
        self._ask("get_caller_identity", None)
        return {"Account": "123456789012", "Arn": "arn:aws-cn:sts::123456789012:assumed-role/stream/x"}

    def describe_event_bus(self, Name: str) -> None:  # noqa: N803
        self._ask("describe_event_bus", Name)

    def put_events(self, Entries: list[Any]) -> dict[str, Any]:  # noqa: N803
        self._ask("put_events", Entries, Entries)
        told = [self.refuse(json.loads(entry["Detail"])["id"]) for entry in Entries]
        return {"Entries": [{"ErrorCode": one[0], "ErrorMessage": "why"} if one else {"EventId": "e"} for one in told]}

    def put_object(self, **asked: Any) -> None:
        self._ask("put_object", asked)

    def operations(self) -> list[str]:
        return [operation for operation, _ in self.asked]

    def sizes(self, operation: str) -> list[int]:
        """With how many messages each call of that operation came."""
        return [
            len(asked if operation == "put_events" else asked[1]) for name, asked in self.asked if name == operation
        ]


@pytest.fixture
def aws() -> Aws:
    return Aws()


def publisher(aws: Aws, **names: str) -> AwsPublisher:
    return AwsPublisher("/shop", names, aws.client)


def code(name: str, status: int = 400) -> ClientError:
    answer = {"Error": {"Code": name, "Message": "why"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, "Any")  # type: ignore[arg-type]


def test_a_fifo_queue_gets_the_entity_as_group_and_the_key_for_deduplication_and_its_url_is_asked_once(
    aws: Aws,
) -> None:
    own = publisher(aws)
    assert own.publish(FIFO, [message(1)]) == own.publish(FIFO, [message(1)]) == {}
    body = '{"id":"order#1#1#p","source":"/shop","data":{"filling":""}}'
    entry = {"Id": "0", "MessageBody": body, "MessageGroupId": "order#1", "MessageDeduplicationId": "order#1#1#p"}
    assert aws.asked == [
        ("get_queue_url", "q.fifo"),
        ("send_message_batch", (URL, [entry])),
        ("send_message_batch", (URL, [entry])),
    ]


def test_another_queue_gets_neither(aws: Aws) -> None:
    publisher(aws).publish(QUEUE, [message(1)])
    assert set(aws.asked[1][1][1][0]) == {"Id", "MessageBody"}


@pytest.mark.parametrize("id", ["ä", "a b", "x" * 200, "tab\t"])
def test_an_id_that_does_not_fit_is_told_by_its_digest_the_same_each_time(aws: Aws, id: str) -> None:
    own = publisher(aws)
    for _ in range(2):
        own.publish(FIFO, [message(1, id=id)])
    first, second = (asked[1][0] for operation, asked in aws.asked if operation == "send_message_batch")
    assert first == second
    assert len(first["MessageGroupId"]) == len(first["MessageDeduplicationId"]) == 64
    assert first["MessageGroupId"] != first["MessageDeduplicationId"]


def test_a_topic_is_called_by_an_arn_of_the_account_that_is_asked_for_once(aws: Aws) -> None:
    own = publisher(aws)
    own.publish(TOPIC, [message(1)])
    own.publish(TOPIC, [message(2)])
    assert aws.operations() == ["get_caller_identity", "publish_batch", "publish_batch"]
    assert aws.asked[1][1][0] == "arn:aws-cn:sns:eu-central-1:123456789012:t.fifo"
    assert aws.asked[1][1][1][0]["MessageDeduplicationId"] == "order#1#1#p"


def test_a_target_goes_by_the_name_that_it_has_here(aws: Aws) -> None:
    names = {"q.fifo": "https://sqs.example/2/other.fifo", "t.fifo": "arn:aws:sns:x:1:other", "b": "dev-b"}
    own = publisher(aws, **names)
    for target in (FIFO, TOPIC, BUS):
        own.publish(target, [message(1)])
    assert aws.operations() == ["send_message_batch", "publish_batch", "describe_event_bus", "put_events"]
    assert (aws.asked[0][1][0], aws.asked[1][1][0], aws.asked[2][1]) == tuple(names.values())
    assert "MessageGroupId" in aws.asked[0][1][1][0]
    assert "MessageGroupId" not in aws.asked[1][1][1][0]


def test_a_bus_is_looked_for_before_and_gets_the_whole_message_as_its_detail(aws: Aws) -> None:
    own = publisher(aws)
    own.publish(BUS, [message(1)])
    own.publish(BUS, [message(2)])
    assert aws.operations() == ["describe_event_bus", "put_events", "put_events"]
    assert aws.asked[1][1] == [
        {
            "Time": AT,
            "Source": "/shop",
            "DetailType": "Paid",
            "Detail": '{"id":"order#1#1#p","source":"/shop","data":{"filling":""}}',
            "EventBusName": "b",
        }
    ]


def test_no_client_is_made_before_it_is_needed_and_none_twice(aws: Aws) -> None:
    own = publisher(aws)
    assert aws.made == []
    for _ in range(2):
        own.publish(QUEUE, [message(1)])
    assert aws.made == ["sqs"]


@pytest.mark.parametrize(
    ("told", "error"),
    [
        (("InternalError", False), PublishError),
        (("RequestThrottled", True), PublishError),
        (("SomethingNew", False), PublishError),
        (("InvalidMessageContents", True), PublishRefusedError),
    ],
)
@pytest.mark.parametrize("target", [FIFO, TOPIC])
def test_an_entry_that_is_not_taken_fails_alone(
    aws: Aws, target: Target, told: tuple[str, bool], error: type[Exception]
) -> None:
    aws.refuse = lambda key: told if key == "order#2#1#p" else None
    failed = publisher(aws).publish(target, [message(1), message(2), message(3)])
    assert {key: type(one) for key, one in failed.items()} == {"order#2#1#p": error}


@pytest.mark.parametrize(
    ("told", "error"),
    [
        ("ThrottlingException", PublishError),
        ("InternalFailure", PublishError),
        ("AccessDeniedException", PublishError),
        ("NotAuthorizedForSourceException", PublishError),
        ("MalformedDetail", PublishRefusedError),
        ("InvalidArgument", PublishRefusedError),
    ],
)
def test_an_event_that_is_not_taken_fails_alone(aws: Aws, told: str, error: type[Exception]) -> None:
    aws.refuse = lambda key: (told, True) if key == "order#2#1#p" else None
    failed = publisher(aws).publish(BUS, [message(1), message(2), message(3)])
    assert {key: type(one) for key, one in failed.items()} == {"order#2#1#p": error}


@pytest.mark.parametrize(
    ("raised", "words"),
    [
        (code("AWS.SimpleQueueService.NonExistentQueue"), "there is none here; create it, or put its name right"),
        (code("AccessDenied"), "it is closed to us; give the function's role the permission"),
        (code("SignatureDoesNotMatch"), "it is closed to us"),
        (code("InvalidAccessKeyId"), "it is closed to us"),
        (code("RequestExpired"), "it is closed to us"),
        (code("OverLimit"), "OverLimit: why"),
        (code("RequestThrottled"), "RequestThrottled: why"),
        (code("Whatever", 503), "Whatever: why"),
        (ReadTimeoutError(endpoint_url="http://x"), "no answer"),
    ],
)
def test_a_call_that_fails_fails_for_all_of_it_once_and_may_come_again(aws: Aws, raised: Exception, words: str) -> None:
    aws.raises = lambda operation, _: raised if operation == "send_message_batch" else None
    failed = publisher(aws).publish(QUEUE, [message(1), message(2)])
    assert [type(error) for error in failed.values()] == [PublishError, PublishError]
    assert all(str(error).startswith("publishing to queue 'q': ") and words in str(error) for error in failed.values())
    assert aws.sizes("send_message_batch") == [2]


def test_a_bus_that_may_not_be_looked_at_may_be_open_for_events(aws: Aws) -> None:
    aws.raises = lambda operation, _: code("AccessDeniedException") if operation == "describe_event_bus" else None
    assert publisher(aws).publish(BUS, [message(1)]) == {}
    assert aws.operations() == ["describe_event_bus", "put_events"]


def test_a_call_that_is_refused_for_one_message_is_halved_until_it_is_alone(aws: Aws) -> None:
    def raises(operation: str, entries: Sequence[Any]) -> Exception | None:
        bad = any("order#3#" in entry.get("MessageBody", "") for entry in entries)
        return code("InvalidMessageContents") if bad else None

    aws.raises = raises
    failed = publisher(aws).publish(QUEUE, [message(number) for number in range(8)])
    assert {key: type(one) for key, one in failed.items()} == {"order#3#1#p": PublishRefusedError}
    assert aws.sizes("send_message_batch") == [8, 4, 2, 2, 1, 1, 4]


@pytest.mark.parametrize(
    ("target", "operation", "most"),
    [(QUEUE, "send_message_batch", 1_048_576), (TOPIC, "publish_batch", 262_144), (BUS, "put_events", 1_000_000)],
)
def test_what_is_too_large_for_one_call_goes_in_several(aws: Aws, target: Target, operation: str, most: int) -> None:
    third = [message(number, size=most // 3 - 200) for number in range(5)]
    assert publisher(aws).publish(target, third) == {}
    assert aws.sizes(operation) == [3, 2]


@pytest.mark.parametrize(
    ("target", "named", "most"),
    [(QUEUE, "queue 'q'", 1_048_576), (TOPIC, "topic 't.fifo'", 262_144), (BUS, "event bus 'b'", 1_000_000)],
)
def test_one_message_too_large_is_told_its_size_and_the_limit_and_the_others_go(
    aws: Aws, target: Target, named: str, most: int
) -> None:
    (failed,) = publisher(aws).publish(target, [message(1, size=most), message(2)]).values()
    assert isinstance(failed, MessageTooLargeError)
    assert str(failed).startswith(f"publishing to {named}: the message has {most // 1000:,}")
    assert f"and {most:,} is the most it takes; keep less in the data, or give `overflow` a bucket" in str(failed)


def test_to_the_byte_the_largest_message_goes(aws: Aws) -> None:
    empty = len('{"id":"order#1#1#p","source":"/shop","data":{"filling":""}}')
    assert publisher(aws).publish(QUEUE, [message(1, size=1_048_576 - empty)]) == {}
    assert set(publisher(aws).publish(QUEUE, [message(1, size=1_048_577 - empty)])) == {"order#1#1#p"}


def test_with_an_overflow_its_data_is_put_into_the_bucket_and_the_message_points_there(aws: Aws) -> None:
    large = message(1, size=300_000, overflow="large", id="a/../ü")
    own = publisher(aws, large="large-1234")
    assert own.publish(TOPIC, [large]) == own.publish(TOPIC, [large]) == {}
    puts = [asked for operation, asked in aws.asked if operation == "put_object"]
    assert puts[0] == puts[1]
    assert puts[0]["Bucket"] == "large-1234"
    assert json.loads(puts[0]["Body"]) == large.envelope["data"]
    kind, _, name = puts[0]["Key"].partition("/")
    assert (kind, len(name), name[64:], set(name[:64]) <= set("0123456789abcdef")) == ("order", 69, ".json", True)
    sent = json.loads(next(asked for operation, asked in aws.asked if operation == "publish_batch")[1][0]["Message"])
    assert sent == {"id": large.key, "source": "/shop", "dataref": f"s3://large-1234/{puts[0]['Key']}"}


def test_a_bucket_that_is_gone_fails_its_message_alone(aws: Aws) -> None:
    aws.raises = lambda operation, _: code("NoSuchBucket", 404) if operation == "put_object" else None
    failed = publisher(aws).publish(TOPIC, [message(1, size=300_000, overflow="large"), message(2)])
    (error,) = failed.values()
    assert isinstance(error, PublishError)
    assert "putting a large message into the bucket 'large': there is none here" in str(error)
    assert aws.sizes("publish_batch") == [1]


def test_whatever_the_text_it_is_sent_in_ascii(aws: Aws) -> None:
    odd = message(1)._replace(envelope={"id": "k", "data": "\ufffe\u0001\U0001f69a"})
    publisher(aws).publish(QUEUE, [odd])
    body = aws.asked[1][1][1][0]["MessageBody"]
    assert body.isascii()
    assert body.isprintable()
    assert json.loads(body)["data"] == "\ufffe\u0001\U0001f69a"


def test_more_than_ten_go_in_several_calls(aws: Aws) -> None:
    assert publisher(aws).publish(QUEUE, [message(number) for number in range(25)]) == {}
    assert aws.sizes("send_message_batch") == [10, 10, 5]
