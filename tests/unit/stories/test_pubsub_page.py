"""The page of invoices: the message is the one that is published, and its commands answer as it shows."""

from __future__ import annotations

import json

import pytest

from tests.fakes.clock import FakeClock
from tests.shipped import REPOSITORY
from tests.unit.stories.pages import page, run
from workflow import Workflow
from workflow.testing import MemoryDelivery, MemoryPublisher, MemoryStore

PAGE = page("pubsub")
ID = "2026-001"


class Shop:
    """An invoice that was issued; nobody has read of it yet."""

    def __init__(self) -> None:
        self.publisher, self.clock = MemoryPublisher("/workflow/invoices"), FakeClock()
        self.flow = Workflow(
            REPOSITORY / "definitions",
            MemoryStore(),
            hooks_required=False,
            clock=self.clock,
            publisher=self.publisher,
        )
        self.delivery = MemoryDelivery(self.flow)
        data = {"customer": "c-17", "email": "ada@example.com", "iban": "DE89", "currency": "EUR", "amount": "120.50"}
        self.flow.create("invoice", ID, data, by="shop")
        self.delivery.run()

    def pay(self) -> None:
        self.flow.fire("invoice", ID, "pay", {"amount": "120.50", "payer": "DE89"}, by="bank")
        self.delivery.run()


@pytest.fixture
def shop() -> Shop:
    return Shop()


def test_the_message_is_the_one_that_the_warehouse_reads(shop: Shop) -> None:
    (shown,) = PAGE.blocks("json")
    shop.pay()
    assert json.loads(shown) == shop.publisher.envelopes("sqs", "fulfilment.fifo")[-1]


def test_its_commands_answer_as_it_shows(shop: Shop) -> None:
    shop.publisher.remove("sqs", "fulfilment.fifo")
    shop.pay()
    shop.clock.advance(2)
    (shown,) = PAGE.answers()
    assert run(shop.flow, shown.command) == shown.answer


def test_the_effect_that_it_pauses_is_one_that_can_be_paused(shop: Shop) -> None:
    run(shop.flow, 'workflow pause publish:sqs:fulfilment.fifo:InvoicePaid --reason "the warehouse moves"')
    shop.clock.advance(20)
    shop.pay()
    assert [one.envelope["type"] for one in shop.publisher.published] == ["InvoiceIssued", "InvoiceIssued"]
    run(shop.flow, "workflow resume publish:sqs:fulfilment.fifo:InvoicePaid --rate 1/s")
    shop.clock.advance(60)
    shop.delivery.sweep()
    assert [one.envelope["type"] for one in shop.publisher.published][2:] == ["InvoicePaid", "InvoicePaid"]
