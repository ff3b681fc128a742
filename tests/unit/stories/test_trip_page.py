"""The page of the trip: its commands answer as it shows, and the parameter that it names is there."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import handlers.travel
import handlers.trip
from demo.trip.company import Company
from tests.fakes.clock import FakeClock
from tests.shipped import HANDLERS, REPOSITORY
from tests.unit.stories.pages import page, run
from workflow import Workflow
from workflow.testing import MemoryDelivery, MemoryStore

PAGE = page("trip")


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Workflow]:
    """The application in which that trip has come as far as the page tells."""
    company = Company()

    def call(method: str, path: str, body: object = None, headers: dict[str, str] | None = None) -> object:
        key = (headers or {}).get("Idempotency-Key", "")
        status, said = company.answer(method, path, key)
        if status >= 300:
            handlers.travel._refuse(f"{method} {path}: {status} {said['reason']}", status)
        return said

    monkeypatch.setattr(handlers.travel, "_call", call)
    monkeypatch.setattr(handlers.trip, "send_mail", lambda *given, key: None)

    def tell(trip: str) -> Workflow:
        flow = Workflow(REPOSITORY / "definitions", MemoryStore(), handlers=HANDLERS, clock=FakeClock())
        delivery = MemoryDelivery(flow)
        company.sold_out = {"cars"} if trip == "T-2" else set()
        flow.create("trip", trip, {"email": "ada@example.com", "currency": "EUR", "price": "1290.00"}, by="shop")
        delivery.run()
        if trip == "T-4":
            company.down.add("hotels")
            flow.fire("trip", trip, "cancel", by="ada")
            delivery.run()
        return flow

    return tell


def test_its_commands_answer_as_it_shows(told: Callable[[str], Workflow]) -> None:
    shown = PAGE.answers()
    assert [one.command for one in shown] == ["workflow history trip T-2", "workflow explain trip T-4"]
    for one in shown:
        assert run(told(one.command.rpartition(" ")[2]), one.command) == one.answer


def test_the_parameter_that_it_names_is_one_of_the_template() -> None:
    (deploy,) = (words for words in PAGE.commands() if words[0] == "sam")
    name, _, _ = deploy[-1].partition("=")
    assert f"\n  {name}:\n" in (REPOSITORY / "template.yaml").read_text(encoding="utf-8")
