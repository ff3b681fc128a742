"""`make demo`: the main job, told as a story. Orders, a job and a shipment live on an embedded cloud."""

from __future__ import annotations

from demo.facts import Facts, order_history
from demo.outage import the_mail_provider_fails
from demo.shipment.carrier import Carrier, Scan, report
from demo.story import Story, print_history
from demo.telling import tell_story
from workflow.aws.client import make_client

TRACKING = "9400110898825022579493"
ADA = {"email": "ada@example.com", "name": "Ada", "currency": "EUR", "total": "59.90"}
BOB = {"email": "bob@example.com", "name": "Bob", "currency": "USD", "total": 120}
PAYMENT = {"amount": "59.90", "payment": "pi_31"}
JOB = {"repository": "acme/shop", "commit": "5f3c9a1e7b20", "requested_by": "eve@example.com", "priority": 5}
ENTITIES = (("order", "1001"), ("order", "1002"), ("job", "7"), ("shipment", TRACKING))
SCANS = tuple(
    Scan(status, f"2026-11-{at}:00Z", message)
    for status, at, message in (
        ("pre_transit", "16T14:02", "Shipping Label Created, USPS Awaiting Item"),
        ("in_transit", "16T18:41", "Accepted at USPS Origin Facility"),
        ("in_transit", "17T03:15", "Departed USPS Regional Facility"),
        ("in_transit", "18T21:08", "Arrived at USPS Regional Destination Facility"),
        ("out_for_delivery", "19T07:32", "Out for Delivery"),
        ("available_for_pickup", "19T16:20", "Notice Left (No Authorized Recipient)"),
        ("delivered", "20T10:57", "Delivered, Front Desk/Reception"),
    )
)


def orders_are_paid(story: Story) -> None:
    story.chapter("Two orders", "Each transition is one conditional write, with its event beside it.")
    story.create("order", "1001", ADA | {"lines": [{"sku": "MUG-BLUE", "quantity": 2, "price": "29.95"}]}, by="shop")
    story.create("order", "1002", BOB | {"lines": [{"sku": "LAMP", "quantity": 1, "price": 120}]}, by="shop")
    story.fire("order", "1001", "pay", PAYMENT, request_id="stripe:evt_1", by="stripe")
    story.fire("order", "1002", "pay", {"amount": 120, "payment": "pi_32"}, request_id="stripe:evt_2", by="stripe")
    story.fire("order", "1001", "pack", by="warehouse")
    story.fire("order", "1001", "ship", {"carrier": "USPS", "parcels": [TRACKING]}, by="warehouse")
    story.fire("order", "1002", "refund", {"amount": 120}, by="support")
    story.wait()


def a_job_fails_and_passes(story: Story) -> None:
    story.chapter(
        "A job",
        "Nobody fires `start`: its lane does, once there is room. The first attempt fails, the second one passes.",
    )
    log = "https://ci.example.com/7"
    story.create("job", "7", JOB, by="eve")
    story.wait()
    story.fire("job", "7", "fail", {"attempt": 1, "exit_code": 2, "log_url": f"{log}/1"}, by="runner-a")
    story.fire("job", "7", "retry", by="eve")
    story.wait()
    story.fire("job", "7", "pass", {"attempt": 1, "log_url": f"{log}/1"}, by="runner-a", expected="refused")
    story.fire("job", "7", "pass", {"attempt": 2, "log_url": f"{log}/2"}, by="runner-b")
    story.wait()


def a_shipment_arrives(story: Story) -> None:
    story.chapter(
        "A shipment", "The order created it; EasyPost's webhooks move it, and its arrival delivers the order."
    )
    print("   One report overtakes another, and one comes twice, because our answer to it was lost:")
    carrier = Carrier(story)
    reports = [report(TRACKING, SCANS[: number + 1]) for number in range(len(SCANS))]
    for number in (0, 1, 3, 2):
        carrier.post(reports[number])
    carrier.post(reports[3], "repeated")
    for number in (4, 5, 6):
        carrier.post(reports[number])
    story.wait()
    story.fire("order", "1001", "refund", {"amount": "9.90"}, by="support")
    story.wait()


def the_forbidden(story: Story) -> None:
    story.chapter("What may not happen", "A refusal says what is allowed instead, and writes nothing.")
    story.fire("order", "1001", "ship", {"carrier": "USPS", "parcels": ["2"]}, by="warehouse", expected="refused")
    story.fire("order", "1001", "refund", {"amount": "50.01"}, by="support", expected="refused")
    story.create("order", "1003", {"email": "joe@example.com", "total": "a lot"}, by="shop", expected="refused")
    print("   Stripe sends a payment twice, as it may:")
    story.fire("order", "1001", "pay", PAYMENT, request_id="stripe:evt_1", by="stripe", expected="repeated")


def a_write_by_hand(story: Story) -> None:
    story.chapter(
        "A write past the framework", "Somebody sets the state of job 7 by hand: seen, recorded, no hook run."
    )
    make_client("dynamodb", endpoint_url=story.cloud.endpoint_url).update_item(
        TableName=story.cloud.stack.table_name,
        Key={"pk": {"S": "job#7"}, "sk": {"S": "entity"}},
        UpdateExpression="SET #state = :state",
        ExpressionAttributeNames={"#state": "state"},
        ExpressionAttributeValues={":state": {"S": "failed"}},
    )
    story.wait()
    for violation in story.flow.violations("job", "7"):
        print(f"   violation: job 7: {violation.reason}")


def what_is_left_to_see(story: Story) -> None:
    story.chapter("The histories", "As `workflow history order 1001` prints them.")
    for kind, id in ENTITIES:
        print_history(story.flow, kind, id)
    story.chapter("The outside world", "What the hooks did there: mails by SES, lines of the customers' order history.")
    for mail in story.cloud.mails():
        print(f"   mail to {', '.join(mail.recipients):<16}  {mail.subject}")
    for line in order_history(story.cloud):
        print(f"   order history of {line['email']['S']}: {line['line']['S']} {line['state']['S']}")


CHAPTERS = (
    orders_are_paid,
    a_job_fails_and_passes,
    a_shipment_arrives,
    the_mail_provider_fails,
    the_forbidden,
    a_write_by_hand,
    what_is_left_to_see,
)


def tell() -> bool:
    """The whole story; whether every fact at its end holds."""
    return tell_story(
        "An event-sourced workflow on a cloud of its own, which lives only as long as this story.",
        CHAPTERS,
        lambda story: Facts(story.flow, story.cloud, story.answers, story.surprises).lines(),
        counted_in="the tables, the mailbox and the stream",
    )
