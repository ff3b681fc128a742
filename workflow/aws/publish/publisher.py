"""The publisher on AWS: which service, which call, and what becomes of a message that is too large."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from workflow.aws.client import make_client
from workflow.aws.publish.buses import Buses
from workflow.aws.publish.failures import translated
from workflow.aws.publish.parcels import Parcel, body_of, together
from workflow.aws.publish.queues import Queues
from workflow.aws.publish.topics import Topics
from workflow.errors import MessageTooLargeError, PublishRefusedError
from workflow.runtime.publish.envelope import pointing_at
from workflow.runtime.publish.port import Message, Target


class Sender(Protocol):
    """One service: how much it takes, and how it is sent to."""

    @property
    def most_bytes(self) -> int: ...

    def size(self, parcel: Parcel) -> int: ...

    def send(self, subject: str, name: str, parcels: Sequence[Parcel]) -> Mapping[str, Exception]: ...


class AwsPublisher:
    """Publishes to SQS, SNS and EventBridge; one serves a whole process and all its threads.

    `names` are what targets and buckets are called here, where that is not what definitions call them: names, ARNs of
    topics and buses, URLs of queues.
    """

    def __init__(
        self,
        source: str,
        names: Mapping[str, str],
        client: Callable[[str], Any] | None = None,
    ) -> None:
        """`client` makes the client of a service; it is called once for each that is published to."""
        self.source = source
        self._names, self._make = names, client or _make_client
        self._clients: dict[str, Any] = {}
        self._senders: dict[str, Sender] = {}
        self._lock = threading.RLock()

    def publish(self, target: Target, messages: Sequence[Message]) -> Mapping[str, Exception]:
        """As the port says: in one call, or in several if they are too large for one."""
        failed: dict[str, Exception] = {}
        sender, parcels = self._sender(target), []
        for message in messages:
            try:
                parcels.append(self._parcel(sender, target, message))
            except Exception as error:
                failed[message.key] = error
        for call in together([(parcel, sender.size(parcel)) for parcel in parcels], sender.most_bytes):
            failed.update(self._send(sender, target, call))
        return failed

    def _send(self, sender: Sender, target: Target, parcels: Sequence[Parcel]) -> Mapping[str, Exception]:
        name = self._names.get(target.name, target.name)
        here = f", here {name!r}" if name != target.name else ""
        try:
            return sender.send(f"publishing to {target}{here}", name, parcels)
        except PublishRefusedError as refusal:
            if len(parcels) == 1:
                return {parcels[0].message.key: refusal}
            # One of them is at fault, and all were refused for it.
            half = len(parcels) // 2
            return {**self._send(sender, target, parcels[:half]), **self._send(sender, target, parcels[half:])}
        except Exception as error:
            return {parcel.message.key: error for parcel in parcels}

    def _parcel(self, sender: Sender, target: Target, message: Message) -> Parcel:
        whole = Parcel(message, body_of(message.envelope))
        size = sender.size(whole)
        if size <= sender.most_bytes:
            return whole
        if not message.overflow:
            raise MessageTooLargeError(
                f"publishing to {target}: the message has {size:,} bytes, and {sender.most_bytes:,} is the most it "
                f"takes; keep less in the data, or give `overflow` a bucket"
            )
        return Parcel(message, body_of(pointing_at(message.envelope, self._put_aside(message))))

    def _put_aside(self, message: Message) -> str:
        """Puts the data of the message into its bucket, and returns where; a repetition puts the same into the same."""
        bucket = self._names.get(message.overflow, message.overflow)
        # Of an id, S3 takes some characters only in disguise: https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html
        name = f"{message.group.partition('#')[0]}/{hashlib.sha256(message.key.encode()).hexdigest()}.json"
        with translated(f"putting a large message into the bucket {bucket!r}"):
            self._client("s3").put_object(
                Bucket=bucket,
                Key=name,
                Body=body_of(message.envelope["data"]).encode(),
                ContentType="application/json",
            )
        return f"s3://{bucket}/{name}"

    def _sender(self, target: Target) -> Sender:
        with self._lock:
            if target.service not in self._senders:
                with translated(f"publishing to {target}"):
                    self._senders[target.service] = self._make_sender(target.service)
            return self._senders[target.service]

    def _make_sender(self, service: str) -> Sender:
        if service == "sqs":
            return Queues(self._client("sqs"))
        if service == "sns":
            return Topics(self._client("sns"), lambda: self._client("sts"))
        return Buses(self._client("events"))

    def _client(self, service: str) -> Any:
        # Making clients is not safe in several threads at once.
        with self._lock:
            if service not in self._clients:
                self._clients[service] = self._make(service)
            return self._clients[service]


def _make_client(service: str) -> Any:
    own = "EVENTBRIDGE" if service == "events" else service.upper()
    endpoint_url = os.environ.get(f"AWS_ENDPOINT_URL_{own}", os.environ.get("AWS_ENDPOINT_URL", ""))
    return make_client(service, endpoint_url=endpoint_url or None)
