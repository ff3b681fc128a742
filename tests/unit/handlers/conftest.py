"""The project's kinds in memory, with a mailbox and a table in place of the clients that the handlers make."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from handlers import clients
from tests.fakes.clock import FakeClock
from tests.shipped import HANDLERS
from workflow import Workflow
from workflow.testing import MemoryDelivery, MemoryStore

DEFINITIONS = Path(__file__).parents[3] / "definitions"
ORDER = {
    "email": "ada@example.com",
    "name": "Ada",
    "currency": "EUR",
    "total": "59.90",
    "lines": [{"sku": "MUG", "quantity": 2, "price": "29.95"}],
}


class FakeMailService:
    """Keeps what SES would have sent, and answers with the codes of `refusals` before."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []
        self.refusals: list[str] = []

    def send_email(self, **request: Any) -> None:
        if self.refusals:
            raise ClientError({"Error": {"Code": self.refusals.pop(0), "Message": "not now"}}, "SendEmail")
        self.sent.append(request)


class FakeTables:
    """Keeps what was put, by table and key."""

    def __init__(self) -> None:
        self.items: dict[tuple[str, str, str], dict[str, Any]] = {}
        self.puts = 0

    def put_item(self, *, TableName: str, Item: dict[str, Any]) -> None:  # noqa: N803 - boto3's names
        self.puts += 1
        self.items[TableName, Item["email"]["S"], Item["line"]["S"]] = Item


class Shop:
    """An application on all kinds, whose effects run when a test says so."""

    def __init__(self, mail_service: FakeMailService, tables: FakeTables, clock: FakeClock) -> None:
        self.mail_service, self.tables, self.clock = mail_service, tables, clock
        self.flow = Workflow(DEFINITIONS, MemoryStore(), handlers=HANDLERS, clock=clock)
        self.delivery = MemoryDelivery(self.flow)

    def paid_order(self, id: str = "42") -> None:
        self.flow.create("order", id, ORDER)
        self.flow.fire("order", id, "pay", {"amount": "59.90", "payment": "pi_1"})

    def shipped_order(self, id: str = "42", *parcels: str) -> None:
        self.paid_order(id)
        self.flow.fire("order", id, "ship", {"carrier": "USPS", "parcels": parcels or ["PARCEL-1"]})

    def subjects(self) -> list[tuple[str, str]]:
        """To whom which mails went, in order."""
        return [
            (mail["Destination"]["ToAddresses"][0], mail["Content"]["Simple"]["Subject"]["Data"])
            for mail in self.mail_service.sent
        ]

    def text(self, number: int) -> str:
        """The text of one mail."""
        return str(self.mail_service.sent[number]["Content"]["Simple"]["Body"]["Text"]["Data"])

    def lines(self) -> list[tuple[str, str]]:
        """The order history: line and state."""
        return [(item["line"]["S"], item["state"]["S"]) for item in self.tables.items.values()]


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch, clock: FakeClock) -> Shop:
    mail_service, tables = FakeMailService(), FakeTables()
    monkeypatch.setattr(clients, "_clients", {"sesv2": mail_service, "dynamodb": tables})
    monkeypatch.setenv("MAIL_FROM", "shop@example.com")
    monkeypatch.setenv("ORDER_HISTORY_TABLE", "lines")
    monkeypatch.delenv("BUILDS", raising=False)
    monkeypatch.delenv("GITHUB_API_URL", raising=False)
    return Shop(mail_service, tables, clock)
