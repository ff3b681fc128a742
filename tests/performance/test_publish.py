"""Publishing ten at a time: how many calls a thousand events cost, against one call for each."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.calls import Calls
from workflow import Workflow
from workflow.aws.client import make_client
from workflow.aws.publish.publisher import AwsPublisher
from workflow.testing import MemoryDelivery, MemoryStore

EVENTS, ONE_BY_ONE = 1000, 50
_MOST = 1 / 8
KIND = """\
kind: told
version: 1
initial: done
states: {{done: {{final: true, on_enter: [publish: {{{target}: {name}}}]}}}}
transitions: {{}}
"""


def _make(url: str, service: str, name: str) -> None:
    if service == "sqs":
        make_client("sqs", endpoint_url=url).create_queue(QueueName=name, Attributes={"FifoQueue": "true"})
    elif service == "sns":
        make_client("sns", endpoint_url=url).create_topic(Name=name)
    else:
        make_client("events", endpoint_url=url).create_event_bus(Name=name)


@pytest.mark.parametrize(
    ("service", "name", "operation"),
    [
        ("sqs", "thousand.fifo", "SendMessageBatch"),
        ("sns", "thousand", "PublishBatch"),
        ("eventbridge", "thousand", "PutEvents"),
    ],
)
def test_a_thousand_events_take_an_eighth_of_the_calls(
    ministack_url: str,
    tmp_path: Path,
    service: str,
    name: str,
    operation: str,
    tell_figure: Callable[[str], None],
) -> None:
    _make(ministack_url, service, name)
    (tmp_path / "told.yaml").write_text(KIND.format(target=service, name=name))
    clients: dict[str, Any] = {
        own: make_client(own, endpoint_url=ministack_url) for own in ("sqs", "sns", "sts", "events")
    }
    calls = Calls(*clients.values())
    flow = Workflow(tmp_path, MemoryStore(), publisher=AwsPublisher("/figures", {}, clients.__getitem__))
    delivery = MemoryDelivery(flow, workers=16)
    for number in range(ONE_BY_ONE):
        flow.create("told", f"alone {number}")
        delivery.run()
    assert calls.made[operation] == ONE_BY_ONE
    calls.made.clear()
    for number in range(EVENTS):
        flow.create("told", str(number))
    assert delivery.run().effects_done == EVENTS
    made = calls.made.total()
    tell_figure(f"publish of {EVENTS} events to {service}: {made} calls, {made / EVENTS:.3f} of one for each")
    assert made <= EVENTS * _MOST
