"""The story of a log: a customer's mail cannot be sent, and whoever asks why finds JSON, ids, and nothing of hers."""

from __future__ import annotations

import json
from urllib.request import Request, urlopen

import pytest

from tests.acceptance.conftest import Deployed
from tests.fakes.emf import metrics
from workflow.aws.client import make_client

NEEDLE = "c4n4ry"
CUSTOMER = {"email": f"{NEEDLE}@example.com", "name": f"{NEEDLE} O'Hara", "currency": "EUR", "total": 10, "lines": []}
FUNCTIONS = ("stream", "sweep", "webhook", "api")
OF_LAMBDA = ("START ", "END ", "REPORT ", "INIT_START ")


def lines(deployed: Deployed, function: str) -> list[str]:
    """All that a function wrote so far, as the service that keeps logs has it."""
    logs = make_client("logs", endpoint_url=deployed.cloud.endpoint_url)
    pages = logs.get_paginator("filter_log_events").paginate(logGroupName=f"/aws/lambda/workflow-{function}")
    told = [line for page in pages for event in page["events"] for line in event["message"].splitlines()]
    return [line for line in told if not line.startswith(OF_LAMBDA)]


@pytest.fixture(scope="module")
def told(deployed: Deployed) -> dict[str, list[str]]:
    """What the functions wrote after a mail that could not be sent and a stranger's webhook."""
    deployed.forget_sender()
    deployed.flow.create("order", "logged", CUSTOMER)
    deployed.flow.fire("order", "logged", "pay", {"amount": 10, "payment": "p"})
    deployed.settle()
    body = json.dumps(CUSTOMER).encode()
    with pytest.raises(Exception, match="401"):
        urlopen(Request(f"{deployed.cloud.webhook_url}/stripe", data=body, headers={"stripe-signature": NEEDLE}))
    deployed.settle()
    deployed.verify_sender()
    deployed.flow.operations.skip("order", "logged", "the story is over")
    deployed.sweep()
    return {function: lines(deployed, function) for function in FUNCTIONS}


def test_every_line_is_json_and_none_quotes_the_customer(told: dict[str, list[str]]) -> None:
    assert [line for line in (*told["stream"], *told["sweep"], *told["webhook"], *told["api"]) if NEEDLE in line] == []
    for function in ("stream", "sweep", "webhook"):
        said = [json.loads(line) for line in told[function]]
        assert said
        assert all(one.keys() & {"_aws", "message"} for one in said)


def test_the_lines_about_one_order_are_found_by_its_ids(told: dict[str, list[str]]) -> None:
    said = [json.loads(line) for line in told["stream"]]
    about = [one for one in said if one.get("kind") == "order" and one.get("id") == "logged"]
    assert {one["level"] for one in about} == {"INFO", "ERROR"}
    (failed, *_) = [one for one in about if one.get("hook") == "send_receipt"]
    assert (failed["version"], failed["attempt"], failed["level"], failed["took_ms"] >= 0) == (2, 1, "ERROR", True)
    # What the invocation tells of itself has the same request.
    assert {"delivered"} <= {one.get("message") for one in said if one.get("request_id") == failed["request_id"]}


def test_each_function_counts_what_it_did(told: dict[str, list[str]], deployed: Deployed) -> None:
    table = f"table={deployed.cloud.env['WORKFLOW_TABLE']}"
    counted = {function: metrics(told[function]) for function in FUNCTIONS}
    for metric in ("Transitions", "EffectsDone", "EffectsFailed", "EffectsParked", "DeliveryLag"):
        assert counted["stream"][metric, table]
    assert ("ParkedNow", table) in counted["sweep"]
    assert ("LaneWaiting", table, "kind=job", "lane=build") in counted["sweep"]
    assert counted["webhook"]["WebhookAnswers", table, "source=stripe", "outcome=unsigned"] == 1
