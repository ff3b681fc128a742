"""Where records go that the mapping has given up."""

from __future__ import annotations

import json
import time
import uuid
from typing import Any

from workflow.aws.in_role import make_client_in_role
from workflow.event_source import Discard, invocation_record, object_key
from workflow.local.pump.mapping import Mapping
from workflow.local.pump.records import Delivered, payload_of

_SERVICE, _NAME = 2, 5


class Destination:
    """Sends discarded records to the on-failure destination a mapping names: a queue, a topic or a bucket.

    The function's role must allow it, as on AWS.
    """

    def __init__(self, endpoint_url: str) -> None:
        self._endpoint_url = endpoint_url
        self._clients: dict[tuple[str, str], Any] = {}

    def send(self, mapping: Mapping, shard_id: str, discard: Discard[Delivered]) -> str:
        """Send what AWS sends there, and return in a few words where it is or why it is nowhere; never raises."""
        count, arn = f"{discard.condition}: {len(discard.records)} given up", mapping.destination_arn
        if not arn:
            return f"{count}; the mapping names no destination for them"
        try:
            self._send(mapping, shard_id, discard)
        except Exception as error:
            # As on AWS, where it shows in a metric: the records are gone, and the shard moves on all the same.
            return f"{count}, and lost: {arn} did not take them: {error}"
        return f"{count}, sent to {arn}"

    def _send(self, mapping: Mapping, shard_id: str, discard: Discard[Delivered]) -> None:
        service, name = _parts(mapping.destination_arn)
        now = time.time()
        document = invocation_record(
            discard,
            function_arn=mapping.function_arn,
            stream_arn=mapping.stream_arn,
            shard_id=shard_id,
            now=now,
            payload=payload_of(discard.records) if service == "s3" else None,
        )
        text = json.dumps(document)
        if service == "s3":
            key = object_key(mapping.mapping_id, shard_id, now=now, object_id=str(uuid.uuid4()))
            self._client("s3", mapping).put_object(Bucket=name, Key=key, Body=text.encode())
        elif service == "sqs":
            queue = self._client("sqs", mapping)
            queue.send_message(QueueUrl=queue.get_queue_url(QueueName=name)["QueueUrl"], MessageBody=text)
        elif service == "sns":
            self._client("sns", mapping).publish(TopicArn=mapping.destination_arn, Message=text)
        else:
            raise ValueError("neither a queue, a topic nor a bucket")

    def _client(self, service: str, mapping: Mapping) -> Any:
        key = (service, mapping.role_arn)
        if key not in self._clients:
            self._clients[key] = make_client_in_role(service, mapping.role_arn, endpoint_url=self._endpoint_url)
        return self._clients[key]


def _parts(arn: str) -> tuple[str, str]:
    parts = arn.split(":", _NAME)
    return (parts[_SERVICE], parts[_NAME]) if len(parts) > _NAME else ("", "")
