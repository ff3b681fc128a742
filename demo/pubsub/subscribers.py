"""Those who read what the invoices publish: queues of their own behind the topic and the bus, and the queue itself."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from workflow.aws.client import make_client
from workflow.local.session import LocalCloud
from workflow.settings import read_settings


class Received(NamedTuple):
    """One message as a subscriber got it."""

    envelope: Mapping[str, Any]
    body: str
    group: str
    deduplication: str

    @property
    def told(self) -> tuple[str, int]:
        """What it is called, and of which version it tells."""
        return str(self.envelope["type"]), self.version

    @property
    def version(self) -> int:
        """Of which version of its invoice it tells, as its id says."""
        return int(self.envelope["id"].rsplit("#", 2)[1])


class Subscriber:
    """Whoever reads one queue, and keeps all that it got."""

    def __init__(self, sqs: Any, url: str, *, inside: str = "") -> None:
        self._sqs, self.url, self._inside = sqs, url, inside
        self.received: list[Received] = []

    def read(self) -> list[Received]:
        """Takes what the queue holds until it is empty, and returns all that was received so far."""
        while True:
            answer = self._sqs.receive_message(
                QueueUrl=self.url, MaxNumberOfMessages=10, MessageSystemAttributeNames=["All"]
            )
            if not answer.get("Messages"):
                return self.received
            for message in answer["Messages"]:
                self.received.append(self._read(message))
                self._sqs.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])

    def of(self, id: str) -> list[Received]:
        """What was received of one invoice, in order."""
        return [message for message in self.read() if message.envelope["subject"] == f"invoice/{id}"]

    def told_of(self, id: str) -> list[tuple[str, int]]:
        """What it is called and of which version it tells, of each message about one invoice, in order."""
        return [message.told for message in self.of(id)]

    def _read(self, message: Mapping[str, Any]) -> Received:
        attributes, whole = message["Attributes"], json.loads(message["Body"])
        return Received(
            whole[self._inside] if self._inside else whole,
            message["Body"],
            attributes.get("MessageGroupId", ""),
            attributes.get("MessageDeduplicationId", ""),
        )


class Subscribers:
    """The warehouse at the FIFO queue, the desk that writes to customers at the topic, accounting at the bus."""

    def __init__(self, cloud: LocalCloud) -> None:
        self._cloud = cloud
        self.sqs, self.s3 = self._client("sqs"), self._client("s3")
        self.names = dict(read_settings(cloud.env).targets)
        self.warehouse = Subscriber(self.sqs, self.sqs.get_queue_url(QueueName=self.queue)["QueueUrl"])
        self.desk = Subscriber(self.sqs, self._subscribe_to_topic())
        self.accounting = Subscriber(self.sqs, self._subscribe_to_bus(), inside="detail")

    @property
    def queue(self) -> str:
        """What the queue is called in this stack."""
        return self.names["fulfilment.fifo"]

    def remove_queue(self) -> None:
        """Somebody deletes the warehouse's queue."""
        self.sqs.delete_queue(QueueUrl=self.warehouse.url)

    def make_queue(self) -> None:
        """And makes it again."""
        self.warehouse.url = self.sqs.create_queue(QueueName=self.queue, Attributes={"FifoQueue": "true"})["QueueUrl"]

    def all(self) -> list[Received]:
        """What everybody received so far."""
        return [*self.warehouse.read(), *self.desk.read(), *self.accounting.read()]

    def _subscribe_to_topic(self) -> str:
        url, arn = self._queue("desk", "sns.amazonaws.com")
        self._client("sns").subscribe(
            TopicArn=self.names["invoices"],
            Protocol="sqs",
            Endpoint=arn,
            Attributes={"RawMessageDelivery": "true"},
        )
        return url

    def _subscribe_to_bus(self) -> str:
        url, arn = self._queue("accounting", "events.amazonaws.com")
        events = self._client("events")
        pattern = json.dumps({"detail": {"data": {"kind": ["invoice"]}}})
        events.put_rule(Name="accounting", EventBusName=self.names["finance"], EventPattern=pattern)
        events.put_targets(
            Rule="accounting", EventBusName=self.names["finance"], Targets=[{"Id": "accounting", "Arn": arn}]
        )
        return url

    def _queue(self, name: str, sender: str) -> tuple[str, str]:
        url = self.sqs.create_queue(QueueName=name)["QueueUrl"]
        arn = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        allowed = {"Effect": "Allow", "Principal": {"Service": sender}, "Action": "sqs:SendMessage", "Resource": arn}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
        self.sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
        return url, arn

    def _client(self, service: str) -> Any:
        return make_client(service, endpoint_url=self._cloud.endpoint_url)
