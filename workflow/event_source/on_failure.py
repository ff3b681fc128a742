"""What Lambda sends to the on-failure destination of a DynamoDB stream's mapping."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from workflow.event_source.batches import Answer, Discard
from workflow.event_source.record import StreamRecord

_VERSION = "1.0"


def invocation_record(
    discard: Discard[Any], *, function_arn: str, stream_arn: str, shard_id: str, now: float, payload: str | None = None
) -> dict[str, Any]:
    """Return the document about discarded records; only with `payload`, as S3 gets it, are the records in it.

    `payload` is the JSON text of the event with these records; `now` in seconds since 1970. Chosen, where AWS shows no
    example: no `responseContext` for records that never reached the function, no `functionError` for reported ones.
    https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html
    """
    document: dict[str, Any] = {
        "requestContext": {
            "requestId": discard.answer.request_id if discard.answer else "",
            "functionArn": function_arn,
            "condition": discard.condition.value,
            "approximateInvokeCount": discard.invocations,
        }
    }
    if discard.answer is not None:
        document["responseContext"] = _response(discard.answer)
    document |= {
        "version": _VERSION,
        "timestamp": _instant(now, "milliseconds"),
        "DDBStreamBatchInfo": _batch_info(discard.records, stream_arn, shard_id),
    }
    return document if payload is None else document | {"payload": payload}


def object_key(mapping_id: str, shard_id: str, *, now: float, object_id: str) -> str:
    """Return the name of the S3 object; `now` in seconds since 1970, `object_id` a random UUID.

    https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html
    """
    moment = datetime.fromtimestamp(now, UTC)
    return f"aws/lambda/{mapping_id}/{shard_id}/{moment:%Y/%m/%d/%Y-%m-%dT%H.%M.%S}-{object_id}"


def _response(answer: Answer) -> dict[str, Any]:
    response: dict[str, Any] = {"statusCode": 200, "executedVersion": "$LATEST"}
    return response if answer.function_error is None else response | {"functionError": answer.function_error}


def _batch_info(records: tuple[StreamRecord, ...], stream_arn: str, shard_id: str) -> dict[str, Any]:
    first, last = records[0], records[-1]
    return {
        "shardId": shard_id,
        "startSequenceNumber": first.sequence_number,
        "endSequenceNumber": last.sequence_number,
        "approximateArrivalOfFirstRecord": _instant(first.arrived_at, "seconds"),
        "approximateArrivalOfLastRecord": _instant(last.arrived_at, "seconds"),
        "batchSize": len(records),
        "streamArn": stream_arn,
    }


def _instant(seconds: float, precision: str) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec=precision).replace("+00:00", "Z")
