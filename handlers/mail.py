"""Mails by Amazon SES, each marked with the effect that sent it."""

from __future__ import annotations

import os
from urllib.parse import quote

from handlers.clients import client

KEY_HEADER = "X-Effect-Key"


def send_mail(to: str, subject: str, text: str, *, key: str) -> None:
    """Hands one mail to SES; `key` goes with it, because SES itself does not tell a repetition from a new mail."""
    body = f"{text}\n\nReference: {key}\n"
    client("sesv2").send_email(
        FromEmailAddress=get_sender(),
        Destination={"ToAddresses": [to]},
        Content={
            "Simple": {
                "Subject": {"Data": subject, "Charset": "UTF-8"},
                "Body": {"Text": {"Data": body, "Charset": "UTF-8"}},
                # Headers are ASCII, an id need not be.
                "Headers": [{"Name": KEY_HEADER, "Value": quote(key, safe="#")}],
            }
        },
    )


def get_sender() -> str:
    """The address of the shop; raises LookupError where MAIL_FROM does not give it."""
    sender = os.environ.get("MAIL_FROM")
    if not sender:
        raise LookupError("MAIL_FROM is not set; give the address that SES has verified for sending")
    return sender
