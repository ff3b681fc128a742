"""Publishing to the embedded cloud while the network and the services fail, where botocore sends and receives."""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from botocore.awsrequest import AWSRequest, AWSResponse
from botocore.exceptions import ReadTimeoutError

from tests.fakes.calls import Calls
from tests.fakes.clock import FakeClock
from workflow import Workflow
from workflow.aws.client import make_client
from workflow.aws.publish.publisher import AwsPublisher
from workflow.testing import MemoryDelivery, MemoryStore

KIND = """\
kind: told
version: 1
initial: new
states:
  new: {on_enter: [publish: {sqs: told.fifo}]}
  old: {final: true, on_enter: [publish: {sqs: told.fifo}]}
transitions:
  age: {from: new, to: old}
"""


class Bench:
    """A queue on the cloud, and a flow in memory that publishes to it."""

    def __init__(self, url: str, folder: Path, name: str) -> None:
        (folder / "told.yaml").write_text(KIND)
        self.sqs = make_client("sqs", endpoint_url=url)
        self._reader = make_client("sqs", endpoint_url=url)
        self.url = self.sqs.create_queue(QueueName=name, Attributes={"FifoQueue": "true"})["QueueUrl"]
        self.calls, self.clock = Calls(self.sqs), FakeClock()
        publisher = AwsPublisher("/faults", {"told.fifo": name}, lambda service: self.sqs)
        self.flow = Workflow(folder, MemoryStore(), clock=self.clock, publisher=publisher)
        self.delivery = MemoryDelivery(self.flow, workers=16)

    def arrived(self) -> list[str]:
        """The ids of all that lies in the queue, each taken out."""
        found: list[str] = []
        while messages := self._reader.receive_message(QueueUrl=self.url, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                found.append(json.loads(message["Body"])["id"])
                self._reader.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])
        return found


@pytest.fixture
def bench(ministack_url: str, tmp_path: Path, request: pytest.FixtureRequest) -> Bench:
    return Bench(ministack_url, tmp_path, f"{abs(hash(request.node.name))}.fifo")


def answered(request: AWSRequest, content: dict[str, Any]) -> AWSResponse:
    class Raw:
        def stream(self, *_: Any, **__: Any) -> Any:
            yield json.dumps(content).encode()

    return AWSResponse(request.url, 200, {"content-type": "application/x-amz-json-1.0"}, Raw())


def passed_on(request: AWSRequest, body: bytes) -> dict[str, Any]:
    """What the cloud answers to the request with another body."""
    headers = {name: value.decode() if isinstance(value, bytes) else value for name, value in request.headers.items()}
    headers.pop("Content-Length", None)
    with urllib.request.urlopen(urllib.request.Request(request.url, body, headers, method="POST")) as answer:
        told: dict[str, Any] = json.loads(answer.read())
        return told


def test_of_a_call_that_half_fails_the_other_half_is_not_sent_again(bench: Bench) -> None:
    sent: list[list[str]] = []

    def every_other_fails(request: AWSRequest) -> AWSResponse | None:
        asked = json.loads(request.body)
        if "Entries" not in asked:
            return None
        sent.append([json.loads(entry["MessageBody"])["id"] for entry in asked["Entries"]])
        if len(sent) > 1:
            return None
        kept = [entry for entry in asked["Entries"] if int(entry["Id"]) % 2]
        told = passed_on(request, json.dumps({**asked, "Entries": kept}).encode())
        dropped = [
            {"Id": entry["Id"], "Code": "InternalError", "Message": "injected", "SenderFault": False}
            for entry in asked["Entries"]
            if not int(entry["Id"]) % 2
        ]
        return answered(request, {**told, "Failed": dropped})

    bench.calls.answering = every_other_fails
    for number in range(10):
        bench.flow.create("told", str(number))
    assert bench.delivery.run().effects_done == 10
    assert len(sent[0]) == 10
    again = [key for call in sent[1:] for key in call]
    assert sorted(again) == sorted(sent[0][::2])
    assert sorted(bench.arrived()) == sorted(sent[0])
    attempts = {
        entry.entity_id: next(iter(entry.outcomes.values())).attempts
        for n in range(10)
        for entry in bench.flow.effects("told", str(n))
    }
    assert sorted(attempts.values()) == [1] * 5 + [2] * 5


def test_after_a_lost_answer_the_same_is_sent_and_the_queue_keeps_one(bench: Bench) -> None:
    lost: list[str] = []

    def lose_the_first_answers(request: AWSRequest) -> AWSResponse | None:
        asked = json.loads(request.body)
        if "Entries" not in asked or len(lost) == 3:
            return None
        passed_on(request, request.body)
        lost.extend(entry["MessageDeduplicationId"] for entry in asked["Entries"])
        raise ReadTimeoutError(endpoint_url=request.url)

    bench.calls.answering = lose_the_first_answers
    bench.flow.create("told", "1")
    bench.flow.fire("told", "1", "age")
    bench.delivery.run()
    # botocore asked three times in vain, the effect once more: four requests, one id.
    assert lost == ["told#1#1#publish:sqs:told.fifo"] * 3
    assert bench.arrived() == ["told#1#1#publish:sqs:told.fifo", "told#1#2#publish:sqs:told.fifo"]
    assert [o.attempts for entry in bench.flow.effects("told", "1") for o in entry.outcomes.values()] == [2, 1]


def test_a_queue_that_is_deleted_and_made_again_goes_on_where_it_stopped(bench: Bench) -> None:
    bench.flow.create("told", "1")
    bench.delivery.run()
    bench.sqs.delete_queue(QueueUrl=bench.url)
    bench.flow.fire("told", "1", "age")
    bench.flow.create("told", "2")
    bench.delivery.run()
    parked = {entry.entity_id: entry.parked.error for entry in bench.flow.operations.parked() if entry.parked}
    assert set(parked) == {"1", "2"}
    assert all("there is none here; create it, or put its name right" in error for error in parked.values())
    name = bench.url.rpartition("/")[2]
    bench.url = bench.sqs.create_queue(QueueName=name, Attributes={"FifoQueue": "true"})["QueueUrl"]
    bench.clock.advance(3600)
    bench.delivery.sweep()
    assert sorted(bench.arrived()) == ["told#1#2#publish:sqs:told.fifo", "told#2#1#publish:sqs:told.fifo"]
