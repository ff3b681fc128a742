"""Invoices tell who wants to know: a warehouse by a FIFO queue, a desk by a topic, accounting by a bus; no Python."""

from __future__ import annotations

import json

import jsonschema
import pytest

from demo.pubsub.subscribers import Subscribers
from tests.acceptance.conftest import Deployed
from workflow.runtime.publish.schema import read_schema

SECRETS = {"email": "canary.email@secret.example", "iban": "DE00CANARYIBAN000001"}
PAYER = "CANARY-PAYER-9931"


@pytest.fixture(scope="module")
def subscribers(deployed: Deployed) -> Subscribers:
    return Subscribers(deployed.cloud)


def an_invoice(**more: object) -> dict[str, object]:
    """The data of an invoice of 120.50 euros, with what nobody may read."""
    return {"customer": "c-1", "currency": "EUR", "amount": "120.50", **SECRETS, **more}


def test_everybody_hears_what_became_of_an_invoice(deployed: Deployed, subscribers: Subscribers) -> None:
    flow = deployed.flow
    flow.create("invoice", "1", an_invoice())
    flow.fire("invoice", "1", "correct", {"amount": "99.95"})
    flow.fire("invoice", "1", "pay", {"amount": 100, "payer": PAYER})
    deployed.settle()

    assert subscribers.warehouse.told_of("1") == [("InvoiceIssued", 1), ("InvoiceIssued", 2), ("InvoicePaid", 3)]
    assert sorted(subscribers.desk.told_of("1")) == [("InvoiceIssued", 1), ("InvoiceIssued", 2)]
    assert subscribers.accounting.told_of("1") == [("InvoicePaid", 3)]
    paid = subscribers.accounting.of("1")[0].envelope
    event = flow.history("invoice", "1")[2]
    at = event.at.isoformat().replace("+00:00", "Z")
    assert paid == {
        "specversion": "1.0",
        "id": "invoice#1#3#publish:eventbridge:finance:InvoicePaid",
        "source": f"/workflow/{deployed.cloud.stack.table_name}",
        "type": "InvoicePaid",
        "subject": "invoice/1",
        "time": at,
        "datacontenttype": "application/json",
        "dataschema": "urn:stream-workflow:transition:1",
        "data": {
            "kind": "invoice",
            "id": "1",
            "version": 3,
            "trigger": "pay",
            "from": "issued",
            "to": "paid",
            "at": at,
            "payload": {"amount": 100},
            "data": {"customer": "c-1", "currency": "EUR", "amount": 99.95},
        },
    }
    for received in subscribers.all():
        jsonschema.validate(received.envelope, read_schema())


def test_in_the_queue_an_invoice_is_a_group_and_each_effect_has_its_own_deduplication_id(
    deployed: Deployed, subscribers: Subscribers
) -> None:
    deployed.flow.create("invoice", "2", an_invoice())
    deployed.flow.fire("invoice", "2", "pay", {"amount": "120.50"})
    deployed.settle()
    assert [(message.group, message.deduplication) for message in subscribers.warehouse.of("2")] == [
        ("invoice#2", "invoice#2#1#publish:sqs:fulfilment.fifo:InvoiceIssued"),
        ("invoice#2", "invoice#2#2#publish:sqs:fulfilment.fifo:InvoicePaid"),
    ]


def test_a_queue_that_is_gone_holds_up_its_invoices_alone_and_they_go_on_once_it_is_there_again(
    deployed: Deployed, subscribers: Subscribers
) -> None:
    flow = deployed.flow
    flow.create("invoice", "before", an_invoice())
    deployed.settle()
    subscribers.warehouse.read()
    subscribers.remove_queue()
    flow.create("invoice", "meanwhile", an_invoice())
    flow.fire("invoice", "before", "pay", {"amount": 121})
    flow.create("user", "meanwhile", {"email": "ada@pubsub.example.com", "name": "Ada", "code": "123456"})
    deployed.settle()

    name = "publish:sqs:fulfilment.fifo:InvoiceIssued"
    assert deployed.effects("invoice", "meanwhile")[f"1 {name}"][0] == "failed"
    (parked,) = [entry.parked for entry in flow.effects("invoice", "meanwhile")]
    assert parked is not None
    assert (parked.hook, parked.why) == (name, "retry")
    assert parked.error.startswith(
        f"PublishError: publishing to queue 'fulfilment.fifo', here {subscribers.queue!r}: there is none here; create "
        "it, or put its name right"
    )
    assert subscribers.accounting.told_of("before") == []
    assert deployed.effects("user", "meanwhile") == {"1 send_confirmation": ("done", 1)}

    subscribers.make_queue()
    for entry in flow.operations.parked():
        if entry.kind == "invoice":
            flow.operations.redrive("invoice", entry.entity_id)
    deployed.sweep()
    deployed.settle()
    assert subscribers.warehouse.told_of("meanwhile") == [("InvoiceIssued", 1)]
    assert subscribers.warehouse.told_of("before")[-1] == ("InvoicePaid", 2)
    assert subscribers.desk.told_of("meanwhile") == [("InvoiceIssued", 1)]
    assert subscribers.accounting.told_of("before") == [("InvoicePaid", 2)]


def test_an_invoice_too_large_for_the_topic_is_read_from_the_bucket_that_it_points_at(
    deployed: Deployed, subscribers: Subscribers
) -> None:
    lines = [{"sku": f"SKU-{number}", "text": "x" * 1000} for number in range(280)]
    deployed.flow.create("invoice", "large ü/1", an_invoice(lines=lines))
    deployed.settle()
    (told,) = subscribers.desk.of("large ü/1")
    assert "data" not in told.envelope
    jsonschema.validate(told.envelope, read_schema())
    bucket, _, key = told.envelope["dataref"].removeprefix("s3://").partition("/")
    data = json.loads(subscribers.s3.get_object(Bucket=bucket, Key=key)["Body"].read())
    assert bucket == subscribers.names["large-invoices"]
    assert (data["id"], data["version"], data["data"]["lines"]) == ("large ü/1", 1, lines)
    # The queue takes more, and its ids do not take the letter.
    (queued,) = subscribers.warehouse.of("large ü/1")
    assert queued.envelope["data"] == data
    assert len(queued.group) == len(queued.deduplication) == 64


def test_what_is_sensitive_reaches_nobody(deployed: Deployed, subscribers: Subscribers) -> None:
    flow = deployed.flow
    flow.create("invoice", "secret", an_invoice(lines=[{"email": SECRETS["email"], "sku": "A"}]), by=SECRETS["email"])
    flow.fire("invoice", "secret", "pay", {"amount": 121, "payer": PAYER, "undeclared": PAYER})
    deployed.settle()
    everything = "".join(received.body for received in subscribers.all())
    assert len(subscribers.warehouse.of("secret")) == 2
    assert subscribers.desk.of("secret")[0].envelope["data"]["data"]["lines"] == [{"sku": "A"}]
    assert [secret for secret in (*SECRETS.values(), PAYER) if secret in everything] == []
