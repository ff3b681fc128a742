"""`make demo STORY=payment`: reports in any order and twice, and the customers' history of them, made again."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

from demo.facts import read_table
from demo.payment.stripe import Reply, authorised, captured, closed, declined, disputed, post, refunded
from demo.story import Story
from demo.telling import PROJECT, tell_story
from workflow.aws.client import make_client
from workflow.engine.events import fold

SECRET = "ssm:/workflow/stripe-webhook"
ADA, BOB = "ada@example.com", "bob@example.com"
NOON = 1_795_000_000
MANY = 30
"""So many more payments, so that there is something to rebuild."""


class Payments:
    """The chapters, and what came of them."""

    def __init__(self) -> None:
        self.expected: list[tuple[int, int]] = []
        self.before: list[dict[str, Any]] = []
        self.after: list[dict[str, Any]] = []
        self.mails = 0
        self.rebuilt_seconds = 0.0
        self.rebuilt = ""

    def report(self, story: Story, event: dict[str, Any], status: int = 200, *, secret: bytes = b"") -> Reply:
        """Posts an event, tells the answer, and notes whether it is the one to be expected."""
        reply = post(f"{story.cloud.webhook_url}/stripe", secret or story.cloud.get_secret(SECRET), event)
        said = reply.content.get("error") or reply.content.get("state", "nothing to do")
        print(f"   {event['id']:<7} {event['type']:<40} {reply.status}  {said}"[:140])
        self.expected.append((status, reply.status))
        return reply

    def expect(self, story: Story, payment: str, order: str, email: str, cents: int) -> None:
        """What the shop does when somebody pays."""
        data = {"email": email, "order": order, "currency": "eur", "amount": cents}
        story.create("payment", payment, data, by="shop")

    def a_card_pays(self, story: Story) -> None:
        """One after the other, and one of them three times at once."""
        story.chapter("A card pays", "The first card is declined. One event comes three times at once: one answer.")
        self.expect(story, "pi_1", "1001", ADA, 5990)
        self.report(story, declined("evt_1", "pi_1", NOON))
        self.report(story, authorised("evt_2", "pi_1", NOON + 40, 5990))
        with ThreadPoolExecutor(3) as pool:
            again = [pool.submit(self.report, story, captured("evt_3", "pi_1", NOON + 41, 5990)) for _ in range(3)]
        versions = {sent.result().content.get("version") for sent in again}
        print(f"   all three were told of version {', '.join(map(str, versions))}")
        self.report(story, refunded("evt_4", "pi_1", NOON + 900, 990, 5990))
        story.wait()

    def in_the_wrong_order(self, story: Story) -> None:
        """The last report comes first, and none turns anything back."""
        story.chapter("The wrong way round", "The refund comes first, then the capture, then the approval.")
        self.expect(story, "pi_2", "1002", ADA, 2000)
        self.report(story, refunded("evt_7", "pi_2", NOON + 300, 2000, 2000))
        self.report(story, captured("evt_6", "pi_2", NOON + 200, 2000))
        self.report(story, authorised("evt_5", "pi_2", NOON + 100, 2000))
        story.wait()

    def a_bank_asks(self, story: Story) -> None:
        """A dispute that is lost."""
        story.chapter("A dispute", "Bob's bank asks for the money back, and gets it.")
        self.expect(story, "pi_3", "1003", BOB, 12000)
        self.report(story, captured("evt_8", "pi_3", NOON + 10, 12000))
        self.report(story, disputed("evt_9", "pi_3", NOON + 5000, 12000))
        self.report(story, closed("evt_10", "pi_3", NOON + 9000, "lost"))
        story.wait()

    def what_is_not_taken(self, story: Story) -> None:
        """One clear answer each, and nothing is written."""
        story.chapter("What is not taken", "Each gets one clear answer, and nothing of it is written.")
        self.report(story, captured("evt_11", "pi_3", NOON, 12000), 401, secret=b"somebody else's")
        self.report(story, captured("evt_12", "pi_3", NOON, 12001), 403)
        self.report(story, captured("evt_13", "pi_3", NOON, 119.5), 422)
        self.report(story, refunded("evt_14", "pi_1", NOON, 6000, 5990), 403)
        self.report(story, captured("evt_15", "pi_9", NOON, 100), 404)
        self.report(story, {**captured("evt_16", "pi_1", NOON, 100), "type": "customer.created"}, 204)
        story.wait()

    def the_history(self, story: Story) -> None:
        """What Ada sees of her two orders."""
        story.chapter("What a customer sees", "A read model: each step where it belongs, whenever it was reported.")
        for line in history(story):
            if line["email"]["S"] == ADA:
                step, cents = line.get("step", {}).get("S", "stands"), line.get("amount", {}).get("N", "0")
                paid = f"{Decimal(cents) / 100:>8.2f}"
                print(f"   {line['line']['S']:<34} {step:<10} {paid}   {line['state']['S']}")

    def rebuild(self, story: Story) -> None:
        """The table is lost, and made again from the events."""
        story.chapter(
            "The table is lost", f"{MANY} more payments; then every line is deleted, and made again from the events."
        )
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda number: _paid(story, number), range(MANY)))
        story.wait()
        self.before, self.mails = history(story), len(story.cloud.mails())
        _empty(story)
        print(f"   {len(self.before)} lines deleted, {len(history(story))} left")
        started = time.monotonic()
        print("   $ workflow rebuild payment_history")
        done = subprocess.run(
            [sys.executable, "-m", "workflow", "rebuild", "payment_history"],
            cwd=PROJECT, env={**os.environ, **story.cloud.env}, capture_output=True, text=True, check=False,
        )  # fmt: skip
        self.rebuilt_seconds, self.rebuilt = time.monotonic() - started, done.stdout.strip()
        print(f"     {self.rebuilt or done.stderr.strip()}")
        story.wait()
        self.after = history(story)

    def facts(self, story: Story) -> Iterator[tuple[bool, str]]:
        """Each fact in words, and whether it holds."""
        flow = story.flow
        payments = [flow.get("payment", listed.id) for listed in flow.list("payment")]
        histories = {payment.id: flow.history("payment", payment.id) for payment in payments}
        events = sum(map(len, histories.values()))
        answered = sum(status == answer for status, answer in self.expected)
        yield answered == len(self.expected), f"{answered} of {len(self.expected)} reports answered as they should be"
        fits = [0 <= p.data["refunded"] <= p.data["captured"] <= p.data["amount"] for p in payments]
        yield (
            all(fits) and all(p == fold(histories[p.id]) for p in payments),
            f"{len(payments)} payments equal their {events} folded events; of none more was given back than was taken",
        )
        steps = [line for line in self.before if "step" in line]
        yield len(steps) == events, f"{len(steps)} steps in the customers' history, one for each event"
        yield (
            self.before == self.after and bool(self.before),
            f"{len(self.after)} lines made again, each as it was, in {self.rebuilt_seconds:.1f} s",
        )
        mails = len(story.cloud.mails())
        yield mails == self.mails == 4, f"{mails} mails: two of refunds, two of a dispute; the rebuild sent none"
        standing = {p.id: p.state for p in payments if p.id in ("pi_1", "pi_2", "pi_3")}
        yield (
            standing == {"pi_1": "partly_refunded", "pi_2": "refunded", "pi_3": "disputed"},
            "the payments stand as they should: " + ", ".join(f"{id} {state}" for id, state in standing.items()),
        )


def history(story: Story) -> list[dict[str, Any]]:
    """Every line of the read model, by customer and in their order."""
    lines = read_table(story.cloud, story.cloud.stack.outputs["PaymentHistoryTableName"])
    return sorted(lines, key=lambda line: (line["email"]["S"], line["line"]["S"]))


def _paid(story: Story, number: int) -> None:
    flow, id = story.flow, f"pi_m{number}"
    data = {"email": f"c{number % 7}@example.com", "order": f"2{number:03}", "currency": "eur", "amount": 1000}
    flow.create("payment", id, data, by="shop")
    flow.fire("payment", id, "capture", {"captured": 1000, "at": NOON + number}, by="stripe")


def _empty(story: Story) -> None:
    client, table = make_client("dynamodb", endpoint_url=story.cloud.endpoint_url), story.cloud.stack.outputs
    for line in history(story):
        key = {name: line[name] for name in ("email", "line")}
        client.delete_item(TableName=table["PaymentHistoryTableName"], Key=key)


def tell() -> bool:
    """The whole story; whether every fact at its end holds."""
    payments = Payments()
    return tell_story(
        "Card payments as Stripe reports them, on a cloud of this machine's own.",
        (
            payments.a_card_pays,
            payments.in_the_wrong_order,
            payments.a_bank_asks,
            payments.what_is_not_taken,
            payments.the_history,
            payments.rebuild,
        ),
        payments.facts,
        counted_in="the tables and the mailbox",
    )
