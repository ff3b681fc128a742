"""`make demo STORY=pubsub`: invoices tell a warehouse, a desk and accounting what became of them, with no Python."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from demo.pubsub.subscribers import Received, Subscribers
from demo.story import Story
from demo.telling import tell_story

INVOICES = [f"2026-{number:03}" for number in range(1, 31)]
LARGE, UNPAID = "2026-900", "2026-901"
EMAIL, IBAN = "ada@secret.example.com", "DE89370400440532013000"


class Invoices:
    """The chapters, and who reads."""

    def __init__(self) -> None:
        self._subscribers: Subscribers | None = None

    def everybody_hears(self, story: Story) -> None:
        """Thirty invoices are issued and ten are paid."""
        self._subscribers = Subscribers(story.cloud)
        story.chapter("Everybody hears", "Thirty invoices: to a FIFO queue in order, and to a topic. Ten are paid.")
        for number, id in enumerate(INVOICES):
            story.flow.create("invoice", id, _invoice(), by="shop")
            if number < 10:
                story.flow.fire("invoice", id, "pay", {"amount": "120.50", "payer": IBAN}, by="bank")
        story.wait()
        self._tell_read()

    def the_queue_is_gone(self, story: Story) -> None:
        """Whoever asks for it waits; it is made again, and they go on."""
        assert self._subscribers is not None
        story.chapter("The queue is gone", "Somebody deletes the warehouse's queue; ten more invoices are paid.")
        self._subscribers.warehouse.read()
        self._subscribers.remove_queue()
        for id in INVOICES[10:20]:
            story.flow.fire("invoice", id, "pay", {"amount": 121}, by="bank")
        story.wait()
        story.command("parked", most=4)
        print("   It is made again, and nobody does anything else:")
        self._subscribers.make_queue()
        story.wait_for_the_sweeper()
        story.wait()
        self._tell_read()

    def one_is_too_large(self, story: Story) -> None:
        """Its data lies in the bucket."""
        assert self._subscribers is not None
        story.chapter("Too large", "An invoice of 280 KB: a topic takes 256, so the message points into a bucket.")
        lines = [{"sku": f"SKU-{number}", "text": "x" * 1000} for number in range(280)]
        story.create("invoice", LARGE, {**_invoice(), "lines": lines}, by="shop")
        story.wait()
        (told,) = self._subscribers.desk.of(LARGE)
        print(f"   The desk reads: {told.body[:86]} …\n                   … {told.body[-100:]}")

    def nobody_pays(self, story: Story) -> None:
        """One is written off: accounting hears of it."""
        story.chapter("Written off", "One falls due, and is written off.")
        story.create("invoice", UNPAID, _invoice(), by="shop")
        story.fire("invoice", UNPAID, "fall_due", by="clerk")
        story.fire("invoice", UNPAID, "write_off", {"reason": "bankrupt"}, by="clerk")
        story.wait()
        story.command(f"history invoice {UNPAID}")

    def facts(self, story: Story) -> Iterator[tuple[bool, str]]:
        """What was counted."""
        assert self._subscribers is not None
        readers = self._subscribers
        ids = [listed.id for listed in story.flow.list("invoice")]
        owed = {
            f"invoice#{id}#{entry.version}#{hook}"
            for id in ids
            for entry in story.flow.effects("invoice", id)
            for hook in entry.outcomes
        }
        everything = readers.all()
        got = Counter(received.envelope["id"] for received in everything)
        yield set(got) == owed and bool(owed), f"{len(ids)} invoices owed {len(owed)} messages; {len(got)} were read"
        queued = Counter(received.envelope["id"] for received in readers.warehouse.received)
        yield (
            set(queued.values()) == {1},
            f"{len(queued)} of them came through the FIFO queue, each once, by its deduplication id",
        )
        yield _is_in_order(readers.warehouse.received), "in the queue, the versions of each invoice rise"
        bodies = "".join(received.body for received in everything)
        yield EMAIL not in bodies and IBAN not in bodies, "no message holds a customer's address or account"
        pointing = [received for received in everything if "dataref" in received.envelope]
        yield len(pointing) == 1, f"{len(pointing)} message points into the bucket, for what it could not carry"

    def _tell_read(self) -> None:
        assert self._subscribers is not None
        for name in ("warehouse", "desk", "accounting"):
            told = Counter(received.envelope["type"] for received in getattr(self._subscribers, name).read())
            print(f"   {name:<12}{', '.join(f'{count} {what}' for what, count in sorted(told.items())) or 'nothing'}")


def _invoice() -> dict[str, object]:
    return {"customer": "c-17", "email": EMAIL, "iban": IBAN, "currency": "EUR", "amount": "120.50"}


def _is_in_order(received: list[Received]) -> bool:
    versions: dict[str, list[int]] = {}
    for one in received:
        versions.setdefault(one.envelope["subject"], []).append(one.version)
    return all(found == sorted(found) for found in versions.values())


def tell() -> bool:
    """The whole story; whether every fact at its end holds."""
    told = Invoices()
    return tell_story(
        "Invoices that are published, on a cloud of its own: a FIFO queue, a topic and a bus.",
        [told.everybody_hears, told.the_queue_is_gone, told.one_is_too_large, told.nobody_pays],
        told.facts,
        counted_in="the table, and in what the three readers got",
    )
