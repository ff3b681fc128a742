"""Mails by Amazon SES, or by SMTP where SMTP_URL is set, each marked with the effect that sent it."""

from __future__ import annotations

import os
from typing import Any
from urllib.parse import quote

from botocore.exceptions import ClientError

from handlers.clients import client
from workflow import Refused

KEY_HEADER = "X-Effect-Key"

# What SES would say again to the same mail until a person has changed something: the address, the account, the domain.
# All else passes by itself: throttling, an outage, a permission that has not reached every machine yet.
# https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html
_FOR_GOOD = frozenset(
    {
        *("MessageRejected", "BadRequestException", "NotFoundException"),
        *("MailFromDomainNotVerifiedException", "AccountSuspendedException", "SendingPausedException"),
    }
)


class MailRefusedError(Refused):
    """A mail was refused for good: asking again changes nothing until a person does."""


def send_mail(to: str, subject: str, text: str, *, key: str) -> None:
    """Hands one mail to the service; `key` goes with it, because no mail service tells a repetition from a new mail.

    Raises MailRefusedError for what would be refused again, and what boto3 or smtplib raises for what may pass.
    """
    body, headers = f"{text}\n\nReference: {key}\n", {KEY_HEADER: quote(key, safe="#")}
    if url := os.environ.get("SMTP_URL"):
        # Here and not above: whoever sends by SES never pays for it.
        from handlers.smtp import send_by_smtp

        send_by_smtp(url, get_sender(), to, subject, body, headers=headers, key=key)
    else:
        _send_by_ses(to, subject, body, headers)


def _send_by_ses(to: str, subject: str, body: str, headers: dict[str, str]) -> None:
    try:
        client("sesv2").send_email(
            FromEmailAddress=get_sender(),
            Destination={"ToAddresses": [to]},
            Content={"Simple": _content(subject, body, headers)},
        )
    except ClientError as error:
        said = error.response["Error"]
        if said["Code"] in _FOR_GOOD:
            raise MailRefusedError(f"{said['Code']}: {said['Message']}") from error
        raise


def _content(subject: str, body: str, headers: dict[str, str]) -> dict[str, Any]:
    return {
        "Subject": {"Data": subject, "Charset": "UTF-8"},
        "Body": {"Text": {"Data": body, "Charset": "UTF-8"}},
        # Headers are ASCII, an id need not be.
        "Headers": [{"Name": name, "Value": value} for name, value in headers.items()],
    }


def get_sender() -> str:
    """The address of the shop; raises LookupError where MAIL_FROM does not give it."""
    sender = os.environ.get("MAIL_FROM")
    if not sender:
        raise LookupError("MAIL_FROM is not set; give the address that mails are sent from")
    return sender
