"""Messages to SQS queues."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from workflow.aws.publish.failures import entry_failure, translated
from workflow.aws.publish.parcels import Parcel, fifo_ids

MOST_BYTES = 1_048_576
"""For one message, and for all of one call.
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessageBatch.html"""


class Queues:
    """Sends to queues, each known by its name, or by its URL where it is another account's."""

    service, most_bytes = "sqs", MOST_BYTES

    def __init__(self, client: Any) -> None:
        self._client = client
        self._urls: dict[str, str] = {}

    def size(self, parcel: Parcel) -> int:
        """How much of the limit the parcel takes."""
        return len(parcel.body)

    def send(self, subject: str, queue: str, parcels: Sequence[Parcel]) -> Mapping[str, Exception]:
        """Sends the parcels in one call, and returns by key why one was not taken; raises what keeps all from it."""
        is_fifo = queue.endswith(".fifo")
        entries = [
            {"Id": str(i), "MessageBody": parcel.body, **(fifo_ids(parcel.message) if is_fifo else {})}
            for i, parcel in enumerate(parcels)
        ]
        with translated(subject):
            answer = self._client.send_message_batch(QueueUrl=self._url(queue), Entries=entries)
        return {
            parcels[int(failed["Id"])].message.key: entry_failure(subject, failed)
            for failed in answer.get("Failed", ())
        }

    def _url(self, queue: str) -> str:
        if queue.startswith(("https://", "http://")):
            return queue
        if queue not in self._urls:
            self._urls[queue] = self._client.get_queue_url(QueueName=queue)["QueueUrl"]
        return self._urls[queue]
