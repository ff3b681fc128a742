"""Sending: what a mail carries, and what is said when a setting is missing."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from botocore.exceptions import ClientError

from handlers import clients
from handlers.mail import MailRefusedError, send_mail
from tests.unit.handlers.conftest import ORDER, Shop


def test_a_header_carries_the_key_of_an_effect_whose_id_is_not_ascii(shop: Shop) -> None:
    send_mail("ada@example.com", "Hello", "Text", key="order#42 è#2#send_receipt")
    assert shop.mail_service.sent[0]["Content"]["Simple"]["Headers"] == [
        {"Name": "X-Effect-Key", "Value": "order#42%20%C3%A8#2#send_receipt"}
    ]


@pytest.mark.parametrize("code", ["MessageRejected", "MailFromDomainNotVerifiedException", "SendingPausedException"])
def test_what_ses_would_refuse_again_is_a_refusal(shop: Shop, code: str) -> None:
    shop.mail_service.refusals = [code]
    with pytest.raises(MailRefusedError, match=rf"^{code}: not now$"):
        send_mail("ada@example.com", "Hello", "Text", key="order#42#2#send_receipt")


@pytest.mark.parametrize("code", ["TooManyRequestsException", "LimitExceededException", "AccessDeniedException"])
def test_what_may_pass_by_itself_is_raised_as_boto3_does(shop: Shop, code: str) -> None:
    shop.mail_service.refusals = [code]
    with pytest.raises(ClientError, match=code):
        send_mail("ada@example.com", "Hello", "Text", key="order#42#2#send_receipt")


@pytest.mark.parametrize("name", ["MAIL_FROM", "ORDER_HISTORY_TABLE"])
def test_a_missing_setting_fails_the_effect_and_is_named_in_the_ledger(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.delenv(name)
    shop.flow.create("order", "42", ORDER)
    shop.flow.fire("order", "42", "pay", {"amount": "59.90", "payment": "pi_1"})
    shop.delivery.run()
    errors = [o.error for entry in shop.flow.effects("order", "42") for o in entry.outcomes.values() if o.error]
    assert len(errors) == 1
    assert errors[0].startswith(f"LookupError: {name} is not set; give ")


def test_hooks_of_many_threads_share_one_client(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clients, "_clients", {})
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    with ThreadPoolExecutor(8) as pool:
        made = set(pool.map(lambda _: id(clients.client("sesv2")), range(16)))
    assert len(made) == 1
