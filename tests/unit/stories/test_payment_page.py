"""The page of card payments: its commands answer as it shows."""

from __future__ import annotations

from datetime import timedelta

import pytest

from handlers import clients
from tests.fakes.clock import FakeClock
from tests.shipped import HANDLERS, REPOSITORY
from tests.unit.stories.pages import page, run
from workflow import Workflow
from workflow.definition.load import load_definitions
from workflow.definition.webhooks.load import load_webhooks
from workflow.testing import MemoryDelivery, MemoryStore

PAGE = page("payment")


class World:
    """Takes every line and every mail."""

    def __init__(self) -> None:
        self.lines = self.mails = 0

    def put_item(self, **line: object) -> None:
        self.lines += 1

    def send_email(self, **mail: object) -> None:
        self.mails += 1


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    world = World()
    monkeypatch.setattr(clients, "_clients", {"dynamodb": world, "sesv2": world})
    monkeypatch.setenv("PAYMENT_HISTORY_TABLE", "payments")
    monkeypatch.setenv("MAIL_FROM", "shop@example.com")
    monkeypatch.delenv("SMTP_URL", raising=False)
    return world


@pytest.fixture
def flow(world: World) -> Workflow:
    """Ada paid 20 euros, and what was reported of it came the wrong way round."""
    clock = FakeClock()
    flow = Workflow(REPOSITORY / "definitions", MemoryStore(), handlers=HANDLERS, clock=clock)
    data = {"email": "ada@example.com", "order": "1002", "currency": "eur", "amount": 2000}
    flow.create("payment", "pi_2", data, by="shop")
    reports = (
        ("refund", {"refunded": 2000, "captured": 2000, "at": 1_795_000_300}),
        ("capture", {"captured": 2000, "at": 1_795_000_200}),
        ("authorise", {"authorised": 2000, "at": 1_795_000_100}),
    )
    for number, (trigger, payload) in enumerate(reports):
        clock.advance(timedelta(seconds=1).total_seconds())
        flow.fire("payment", "pi_2", trigger, payload, request_id=f"stripe:evt_{7 - number}", by="webhook:stripe")
        assert MemoryDelivery(flow).run().failed == []
    return flow


def test_its_commands_answer_as_it_shows(flow: Workflow, world: World) -> None:
    world.lines = 0
    shown = PAGE.answers()
    assert [one.command for one in shown] == [
        "workflow history payment pi_2",
        "workflow rebuild payment_history",
    ]
    for one in shown:
        assert run(flow, one.command) == one.answer
    assert (world.lines, world.mails) == (8, 1)


def test_what_it_has_a_person_rebuild_are_projections(flow: Workflow) -> None:
    rebuilt = {words[2] for words in PAGE.commands() if words[:2] == ["workflow", "rebuild"]}
    assert rebuilt == flow.runtime.hooks.projections


def test_every_trigger_of_the_webhook_is_one_of_the_definition() -> None:
    definitions = load_definitions(REPOSITORY / "definitions")
    (webhook,) = (w for w in load_webhooks(REPOSITORY / "webhooks", definitions) if w.name == "stripe")
    payment = definitions.find("payment")
    assert payment is not None
    assert {accept.trigger for accept in webhook.accepts} == {t.trigger for t in payment.transitions}
