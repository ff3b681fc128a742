"""What publishing needs from outside, and what it hands over: messages for one target."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple, Protocol

AT_ONCE = 10
"""As many messages as one call of SQS, SNS or EventBridge takes.
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessageBatch.html"""

_NAMED = {"sqs": "queue", "sns": "topic", "eventbridge": "event bus"}


class Target(NamedTuple):
    """Where to: `service` is eventbridge, sns or sqs, `name` what the definition calls the bus, topic or queue."""

    service: str
    name: str

    def __str__(self) -> str:
        return f"{_NAMED.get(self.service, self.service)} {self.name!r}"


class Message(NamedTuple):
    """One event to publish. `key` is the effect's, by which a repetition is known; messages of one `group`, that of an
    entity, stay in order where the target can do that. `envelope` is the CloudEvent, plain JSON. `overflow` names the
    bucket that takes the data if the message would be too large, '' for none."""

    key: str
    group: str
    type: str
    at: datetime
    envelope: Mapping[str, Any]
    overflow: str = ""


class Publisher(Protocol):
    """Hands messages to queues, topics and buses."""

    @property
    def source(self) -> str:
        """What the messages name as their source, a URI reference."""
        ...

    def publish(self, target: Target, messages: Sequence[Message]) -> Mapping[str, Exception]:
        """Publishes up to `AT_ONCE` messages of different groups, and returns by its key why one was not; raises what
        keeps all of them from it: a Retryable if asking again may help, else a Refused."""
        ...
