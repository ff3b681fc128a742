"""Messages to SNS topics."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from workflow.aws.publish.failures import entry_failure, translated
from workflow.aws.publish.parcels import Parcel, fifo_ids

MOST_BYTES = 262_144
"""For one message, and for all of one call, unless a topic is told otherwise.
https://docs.aws.amazon.com/sns/latest/api/API_PublishBatch.html"""


class Topics:
    """Publishes to topics, each known by its name in this account and region, or by its ARN."""

    service, most_bytes = "sns", MOST_BYTES

    def __init__(self, client: Any, identity: Callable[[], Any]) -> None:
        """`identity` makes a client of STS: topics are called by ARNs, which name the account, and no variable of a
        Lambda does. It is asked once, and asking needs no permission.
        https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html"""
        self._client, self._identity = client, identity
        self._before_name = ""

    def size(self, parcel: Parcel) -> int:
        """How much of the limit the parcel takes."""
        return len(parcel.body)

    def send(self, subject: str, topic: str, parcels: Sequence[Parcel]) -> Mapping[str, Exception]:
        """Publishes in one call, and returns by key why a parcel was not taken; raises what keeps all from it."""
        is_fifo = topic.endswith(".fifo")
        entries = [
            {"Id": str(i), "Message": parcel.body, **(fifo_ids(parcel.message) if is_fifo else {})}
            for i, parcel in enumerate(parcels)
        ]
        with translated(subject):
            answer = self._client.publish_batch(TopicArn=self._arn(topic), PublishBatchRequestEntries=entries)
        return {
            parcels[int(failed["Id"])].message.key: entry_failure(subject, failed)
            for failed in answer.get("Failed", ())
        }

    def _arn(self, topic: str) -> str:
        if topic.startswith("arn:"):
            return topic
        if not self._before_name:
            caller = self._identity().get_caller_identity()
            partition = caller["Arn"].split(":")[1]
            self._before_name = f"arn:{partition}:sns:{self._client.meta.region_name}:{caller['Account']}:"
        return self._before_name + topic
