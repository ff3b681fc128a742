"""The chapter in which something fails: what stands still, what goes on, who is told, and how it ends."""

from __future__ import annotations

from demo.story import Story
from workflow.aws.client import make_client
from workflow.local.mailbox import verify_sender

SHOP = {"name": "Cleo", "currency": "EUR", "total": 25, "lines": [{"sku": "PEN", "quantity": 1, "price": 25}]}


def the_mail_provider_fails(story: Story) -> None:
    story.chapter(
        "The mail provider fails",
        "SES no longer knows the sender, and refuses every mail. To ask again would change nothing.",
    )
    cloud = story.cloud
    make_client("ses", endpoint_url=cloud.endpoint_url).delete_identity(Identity=cloud.env["MAIL_FROM"])
    for id, name in (("1004", "cleo"), ("1005", "dan"), ("1006", "fay"), ("1007", "gus")):
        story.create("order", id, SHOP | {"email": f"{name}@example.com", "name": name.title()}, by="shop")
    for id in ("1004", "1005"):
        story.fire("order", id, "pay", {"amount": 25, "payment": f"pi_{id}"}, by="stripe")
    story.fire("order", "1004", "pack", by="warehouse")
    story.fire("order", "1006", "cancel", {"reason": "ordered twice"}, by="support")
    story.wait()
    print(
        "   Two orders wait for a person, nothing behind them in the stream does, and the last one for its payment:\n"
    )
    story.command("parked")
    story.command("explain order 1004", most=11)
    story.command("explain order 1007", most=7)
    print("   Somebody verifies the sender, and lets go on what waits:\n")
    verify_sender(cloud.endpoint_url, cloud.env["MAIL_FROM"])
    story.command("redrive --hook send_receipt --yes")
    story.wait_for_the_sweeper()
    story.command("history order 1004")
