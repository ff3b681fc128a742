"""The page of signing up: its commands answer as it shows, and it costs what it says."""

from __future__ import annotations

import pytest

import handlers.user
from handlers.user import sign_up, user_id
from tests.fakes.clock import FakeClock
from tests.shipped import HANDLERS, REPOSITORY
from tests.unit.stories.pages import page, run
from workflow import Workflow
from workflow.testing import MemoryDelivery, MemoryStore

PAGE = page("signup")
ADA = "ada@example.com"


@pytest.fixture
def down(monkeypatch: pytest.MonkeyPatch) -> Workflow:
    """Ada signed up while the mail server was down, and was told so twice more."""

    def send_mail(*given: str, key: str) -> None:
        raise ConnectionRefusedError("[Errno 111] Connection refused")

    monkeypatch.setattr(handlers.user, "send_mail", send_mail)
    clock = FakeClock()
    flow = Workflow(REPOSITORY / "definitions", MemoryStore(), handlers=HANDLERS, clock=clock)
    sign_up(flow, ADA, "Ada")
    MemoryDelivery(flow).run()
    clock.advance(2)
    return flow


def test_its_commands_answer_as_it_shows(down: Workflow) -> None:
    shown = PAGE.answers()
    assert [one.command for one in shown] == [f"workflow {verb} user {user_id(ADA)}" for verb in ("explain", "history")]
    for one in shown:
        assert run(down, one.command) == one.answer


def test_the_definition_is_shown_whole_but_for_its_first_lines() -> None:
    (shown,) = PAGE.blocks("yaml")
    assert (REPOSITORY / "definitions" / "user.yaml").read_text(encoding="utf-8").endswith(shown.partition("\n")[2])
