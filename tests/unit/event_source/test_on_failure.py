"""The document about records that were given up."""

from typing import Any

import pytest

from tests.unit.event_source.records import Record
from workflow.event_source import Answer, Condition, Discard, invocation_record, object_key

RECORDS = (Record(801, arrived_at=1573690399.9), Record(802), Record(803, arrived_at=1573690400.0))
NOW = 1573690429.717
WHERE = {
    "function_arn": "arn:aws:lambda:us-east-2:1:function:f",
    "stream_arn": "arn:aws:dynamodb:us-east-2:1:table/t/stream/s",
    "shard_id": "shardId-1",
}


def test_the_document_is_the_one_that_aws_shows() -> None:
    discard = Discard(RECORDS, Condition.RETRY_ATTEMPTS_EXHAUSTED, 4, Answer(0, "Unhandled", request_id="316aa6d0"))
    assert invocation_record(discard, now=NOW, **WHERE) == {
        "requestContext": {
            "requestId": "316aa6d0",
            "functionArn": "arn:aws:lambda:us-east-2:1:function:f",
            "condition": "RetryAttemptsExhausted",
            "approximateInvokeCount": 4,
        },
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
        "version": "1.0",
        "timestamp": "2019-11-14T00:13:49.717Z",
        "DDBStreamBatchInfo": {
            "shardId": "shardId-1",
            "startSequenceNumber": "801",
            "endSequenceNumber": "803",
            "approximateArrivalOfFirstRecord": "2019-11-14T00:13:19Z",
            "approximateArrivalOfLastRecord": "2019-11-14T00:13:20Z",
            "batchSize": 3,
            "streamArn": "arn:aws:dynamodb:us-east-2:1:table/t/stream/s",
        },
    }


def test_a_bucket_gets_the_whole_event_beside_all_that_a_queue_gets() -> None:
    discard = Discard(RECORDS, Condition.RECORD_AGE_EXCEEDED, 0)
    without, payload = invocation_record(discard, now=NOW, **WHERE), '{"Records":[]}'
    assert invocation_record(discard, now=NOW, payload=payload, **WHERE) == without | {"payload": payload}


@pytest.mark.parametrize(
    ("answer", "response"),
    [(None, None), (Answer(0, request_id="r"), {"statusCode": 200, "executedVersion": "$LATEST"})],
)
def test_records_never_invoked_with_have_no_response_and_reported_ones_no_function_error(
    answer: Answer | None, response: dict[str, Any] | None
) -> None:
    document = invocation_record(Discard(RECORDS, Condition.RECORD_AGE_EXCEEDED, 0, answer), now=NOW, **WHERE)
    assert document.get("responseContext") == response
    assert document["requestContext"] == {
        "requestId": answer.request_id if answer else "",
        "functionArn": "arn:aws:lambda:us-east-2:1:function:f",
        "condition": "RecordAgeExceeded",
        "approximateInvokeCount": 0,
    }


def test_the_object_lies_under_its_mapping_shard_and_day() -> None:
    assert object_key("f89f", "shardId-1", now=NOW, object_id="5b6a") == (
        "aws/lambda/f89f/shardId-1/2019/11/14/2019-11-14T00.13.49-5b6a"
    )
