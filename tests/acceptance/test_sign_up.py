"""Somebody signs up. The answer comes at once, whatever the mail server does, and the mail goes once."""

from __future__ import annotations

import time
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest

from demo.signup.mail_server import MailServer, mail_server
from handlers.user import CONFIRM_URL, sign_up, user_id
from tests.acceptance.conftest import Deployed, eventually
from workflow.errors import GuardError

CONFIRMATION = "Please confirm your address"
WAITED_AT_MOST_SECONDS = 5
SLOW_SECONDS = 8


@pytest.fixture(scope="module")
def server(deployed: Deployed) -> Iterator[MailServer]:
    """A real mail server, which the functions send by in place of SES."""
    with mail_server() as server:
        deployed.cloud.redeploy({"SmtpUrl": server.url})
        yield server
        deployed.cloud.redeploy({"SmtpUrl": ""})


def swept_until_mailed(deployed: Deployed, server: MailServer, email: str, times: int = 1) -> None:
    def is_mailed() -> bool:
        deployed.sweep()
        return len(server.to(email)) >= times

    eventually(is_mailed)
    deployed.settle()


def test_the_mail_is_handed_to_ses_where_no_server_is_named(deployed: Deployed) -> None:
    deployed.verify_sender()
    sign_up(deployed.flow, "ses@example.com", "Ada")
    deployed.settle()
    assert deployed.subjects_to("ses@example.com") == [CONFIRMATION]


def test_who_signs_up_while_the_server_is_down_has_an_answer_and_later_one_mail(
    deployed: Deployed, server: MailServer
) -> None:
    server.stop()
    user = sign_up(deployed.flow, "down@example.com", "Ada")
    deployed.settle()
    status, attempts = deployed.effects("user", user)["1 send_confirmation"]
    assert (status, attempts > 1, server.to("down@example.com")) == ("failed", True, [])
    server.start()
    swept_until_mailed(deployed, server, "down@example.com")
    assert deployed.effects("user", user)["1 send_confirmation"][0] == "done"
    assert [letter.subject for letter in server.to("down@example.com")] == [CONFIRMATION]


def test_nobody_waits_for_a_server_that_is_slow(deployed: Deployed, server: MailServer) -> None:
    server.slow_seconds = SLOW_SECONDS
    began = time.monotonic()
    sign_up(deployed.flow, "slow@example.com", "Ada")
    took = time.monotonic() - began
    deployed.settle()
    server.slow_seconds = 0
    assert took < WAITED_AT_MOST_SECONDS < SLOW_SECONDS
    assert [letter.subject for letter in server.to("slow@example.com")] == [CONFIRMATION]


def test_a_mail_whose_answer_was_lost_goes_again_as_the_same_mail(deployed: Deployed, server: MailServer) -> None:
    server.cuts = 1
    user = sign_up(deployed.flow, "lost@example.com", "Ada")
    deployed.settle()
    first, again = server.to("lost@example.com")
    assert first == again
    assert deployed.effects("user", user) == {"1 send_confirmation": ("done", 2)}


def test_a_mail_that_is_refused_for_good_waits_for_a_person(deployed: Deployed, server: MailServer) -> None:
    server.refusals = 1
    user = sign_up(deployed.flow, "refused@example.com", "Ada")
    deployed.settle()
    assert deployed.effects("user", user) == {"1 send_confirmation": ("parked", 1)}
    assert "MailRefusedError: the mail server refused the mail with 554" in deployed.why("user", user)
    deployed.flow.operations.redrive("user", user)
    swept_until_mailed(deployed, server, "refused@example.com")
    assert deployed.effects("user", user) == {"1 send_confirmation": ("done", 2)}


def test_the_code_of_the_mail_confirms_and_no_other_does(deployed: Deployed, server: MailServer) -> None:
    user = sign_up(deployed.flow, "ada@example.com", "Ada")
    deployed.settle()
    with pytest.raises(GuardError):
        deployed.flow.fire("user", user, "confirm", {"code": "a guess"})
    deployed.flow.fire("user", user, "confirm", {"code": code_in(server.to("ada@example.com")[0].text)})
    deployed.settle()
    assert [letter.subject for letter in server.to("ada@example.com")] == [CONFIRMATION, "Welcome"]


def test_who_signs_up_twice_is_one_user_and_gets_one_mail(deployed: Deployed, server: MailServer) -> None:
    once, twice = sign_up(deployed.flow, "eve@example.com", "Eve"), sign_up(deployed.flow, " EVE@example.com", "Eve")
    deployed.settle()
    assert once == twice == user_id("eve@example.com")
    assert len(server.to("eve@example.com")) == 1


def code_in(text: str) -> str:
    link = next(line for line in text.splitlines() if line.startswith(CONFIRM_URL))
    return parse_qs(urlsplit(link).query)["code"][0]
