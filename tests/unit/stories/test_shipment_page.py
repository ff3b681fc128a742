"""The page of parcels: what it shows whole is whole, and its commands answer as it shows."""

from __future__ import annotations

import pytest

import handlers.order
import handlers.order_history
import handlers.shipment
from tests.fakes.clock import FakeClock
from tests.shipped import HANDLERS, REPOSITORY
from tests.unit.stories.pages import page, run
from workflow import Workflow
from workflow.definition.webhooks.load import load_webhooks
from workflow.testing import MemoryDelivery, MemoryStore

PAGE = page("shipment")
LAMP = {"name": "Ada", "currency": "EUR", "total": 120, "lines": [{"sku": "LAMP", "quantity": 1, "price": 120}]}
PARCELS = {"2001": ["SLOW-1"], "2002": ["TABLE-1", "TABLE-2"], "2003": ["TABLE-2", "BACK-1"]}
SCANS = (
    ("in_transit", "2026-01-29T18:41:00Z", "Accepted at USPS Origin Facility"),
    ("out_for_delivery", "2026-01-31T07:32:00Z", "Out for Delivery"),
    ("in_transit", "2026-01-30T03:15:00Z", "Departed USPS Regional Facility"),
    ("held_by_dog", "2026-01-31T07:40:00Z", "Woof"),
    ("delivered", "2026-01-31T10:57:00Z", "Delivered, Front Desk/Reception"),
)


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Workflow:
    """Three orders that have left, one of which has a code that another one had; two parcels have arrived."""
    for module in (handlers.order, handlers.shipment):
        monkeypatch.setattr(module, "send_mail", lambda *given, key: None)
    monkeypatch.setattr(handlers.order, "put_line", lambda *given: None)
    clock = FakeClock()
    flow = Workflow(REPOSITORY / "definitions", MemoryStore(), handlers=HANDLERS, clock=clock)
    delivery = MemoryDelivery(flow)
    for order, parcels in PARCELS.items():
        flow.create("order", order, LAMP | {"email": "ada@example.com"}, by="shop")
        flow.fire("order", order, "pay", {"amount": 120, "payment": f"pi_{order}"}, by="stripe")
        flow.fire("order", order, "ship", {"carrier": "USPS", "parcels": parcels}, by="warehouse")
        delivery.run()
    for number, (status, at, message) in enumerate(SCANS, 1):
        clock.advance(1)
        scan = {"status": status, "at": at, "message": message}
        flow.fire("shipment", "SLOW-1", "scan", scan, request_id=f"easypost:evt_{number}", by="webhook:easypost")
        delivery.run()
    flow.fire("shipment", "TABLE-1", "scan", {"status": "delivered", "at": SCANS[-1][1]}, by="webhook:easypost")
    delivery.run()
    return flow


def test_its_commands_answer_as_it_shows(shop: Workflow) -> None:
    shown = PAGE.answers()
    assert [one.command for one in shown] == [
        "workflow history shipment SLOW-1",
        "workflow show order 2002",
    ]
    for one in shown:
        assert run(shop, one.command) == one.answer


def test_the_order_that_waits_for_a_person_waits_as_it_says(shop: Workflow) -> None:
    (text,) = PAGE.blocks("text")
    (parked,) = shop.operations.parked()
    assert parked.parked is not None
    assert (parked.kind, parked.entity_id, parked.parked.error) == ("order", "2003", " ".join(text.split()))
    assert shop.get("shipment", "BACK-1").data["order"] == "2003"


def test_the_webhook_is_shown_whole() -> None:
    shown = next(block for block in PAGE.blocks("yaml") if block.startswith("# webhooks/"))
    assert shown.partition("\n")[2] == (REPOSITORY / "webhooks" / "easypost.yaml").read_text(encoding="utf-8")


def test_the_secret_it_puts_is_the_one_that_the_webhook_names(shop: Workflow) -> None:
    (put,) = (words for words in PAGE.commands() if words[:3] == ["aws", "ssm", "put-parameter"])
    easypost = load_webhooks(REPOSITORY / "webhooks", shop.definitions).find("easypost")
    assert easypost is not None
    assert easypost.signature.secrets == (f"ssm:{put[put.index('--name') + 1]}",)


def test_the_page_of_definitions_shows_the_same_way_to_wait_for_several() -> None:
    shown = next(block for block in PAGE.blocks("yaml") if "  parcel_delivered:" in block)
    join = shown[shown.index("  parcel_delivered:") :]
    assert join in (REPOSITORY / "docs" / "definitions.md").read_text(encoding="utf-8")
