"""Sending by SMTP: what a mail carries, and which replies may pass; against a server that speaks real SMTP."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from demo.signup.mail_server import Letter, MailServer, mail_server
from handlers.mail import MailRefusedError, send_mail
from handlers.smtp import message_id

ADA = "ada@example.com"
KEY = "user#1#1#send_confirmation"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[MailServer]:
    with mail_server() as server:
        monkeypatch.setenv("SMTP_URL", server.url)
        monkeypatch.setenv("MAIL_FROM", "shop@example.com")
        yield server


def test_a_mail_goes_to_the_server_that_is_named_with_an_id_made_of_its_effect(server: MailServer) -> None:
    send_mail(ADA, "Grüße", "Hello Ada", key=KEY)
    expected = Letter(ADA, "Grüße", message_id(KEY, "shop@example.com"), f"Hello Ada\r\n\r\nReference: {KEY}\r\n")
    assert server.letters == [expected]


def test_the_same_effect_makes_the_same_id_and_another_one_another() -> None:
    sender = "shop@example.com"
    assert message_id(KEY, sender) == message_id(KEY, sender) != message_id("user#1#2#send_confirmation", sender)
    assert message_id(KEY, sender).endswith("@example.com>")


def test_what_the_server_may_take_later_is_no_refusal(server: MailServer) -> None:
    server.later = 1
    with pytest.raises(ConnectionError, match=r"^the mail server answered 451, and may take the mail later$"):
        send_mail(ADA, "Hello", "Text", key=KEY)


def test_what_it_refuses_for_good_is_a_refusal_that_quotes_no_address(server: MailServer) -> None:
    server.refusals = 1
    with pytest.raises(MailRefusedError, match=r"^the mail server refused the mail with 554$"):
        send_mail(ADA, "Hello", "Text", key=KEY)


def test_an_address_that_it_does_not_know_is_a_refusal_that_does_not_quote_it(server: MailServer) -> None:
    with pytest.raises(MailRefusedError, match=r"^the mail server refused the mail with 5\d\d$") as caught:
        send_mail("ada@@nowhere", "Hello", "Text", key=KEY)
    assert "nowhere" not in str(caught.value)


def test_an_address_that_reads_as_two_reaches_no_second_one(server: MailServer) -> None:
    send_mail(f"{ADA}, eve@example.com", "Hello", "Text", key=KEY)
    assert [letter.recipient for letter in server.letters] == [ADA]


def test_a_line_that_is_cut_and_a_server_that_is_down_may_pass(server: MailServer) -> None:
    server.cuts = 1
    with pytest.raises(OSError, match="closed"):
        send_mail(ADA, "Hello", "Text", key=KEY)
    server.stop()
    with pytest.raises(ConnectionRefusedError):
        send_mail(ADA, "Hello", "Text", key=KEY)


@pytest.mark.parametrize("url", ["mail.example.com:25", "http://mail.example.com", "smtp://"])
def test_an_address_of_no_server_is_named_with_the_form_it_should_have(
    monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("SMTP_URL", url)
    monkeypatch.setenv("MAIL_FROM", "shop@example.com")
    with pytest.raises(LookupError, match=r"^SMTP_URL is '.*'; give smtp://host:port or smtps://host:port$"):
        send_mail(ADA, "Hello", "Text", key=KEY)
