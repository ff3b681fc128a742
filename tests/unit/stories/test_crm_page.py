"""The page of the CRM: its commands answer as it shows."""

from __future__ import annotations

import pytest

import handlers.contact
from handlers.crm import CrmRefusedError
from tests.fakes.clock import FakeClock
from tests.shipped import HANDLERS, REPOSITORY
from tests.unit.stories.pages import page, run
from workflow import Workflow
from workflow.testing import MemoryDelivery, MemoryStore

PAGE = page("crm")


@pytest.fixture
def refused(monkeypatch: pytest.MonkeyPatch) -> Workflow:
    """Three contacts, of which the CRM refused the second one."""
    said = CrmRefusedError("VALIDATION_ERROR: Property values were not valid")
    monkeypatch.setattr(handlers.contact, "upsert", lambda records: {"7": said})
    flow = Workflow(REPOSITORY / "definitions", MemoryStore(), handlers=HANDLERS, clock=FakeClock())
    for contact in ("6", "7", "8"):
        flow.create("contact", contact, {"email": f"{contact}@example.com", "name": "Ada"}, by="import")
    MemoryDelivery(flow).run()
    return flow


def test_its_commands_answer_as_it_shows(refused: Workflow) -> None:
    shown = PAGE.answers()
    assert [one.command for one in shown] == ["workflow explain contact 7"]
    for one in shown:
        assert run(refused, one.command) == one.answer


def test_the_definition_is_shown_whole_but_for_its_first_lines() -> None:
    (shown,) = PAGE.blocks("yaml")
    assert (REPOSITORY / "definitions" / "contact.yaml").read_text(encoding="utf-8").endswith(shown.partition("\n")[2])
