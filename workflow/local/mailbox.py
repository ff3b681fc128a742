"""The mails that hooks sent through the embedded cloud's SES; none of them leaves the machine."""

from __future__ import annotations

import json
import urllib.request
from dataclasses import dataclass
from typing import Any

from workflow.aws.client import make_client
from workflow.local.embedded_cloud import ACCESS_KEY


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail as the hook handed it over."""

    sender: str
    recipients: tuple[str, ...]
    subject: str
    body: str


def verify_sender(endpoint_url: str, address: str) -> None:
    """Let mails from `address` out, which SES refuses for an address that nobody has verified."""
    make_client("ses", endpoint_url=endpoint_url).verify_email_identity(EmailAddress=address)


def read_mails(endpoint_url: str) -> list[Mail]:
    """Return the mails sent so far, oldest first."""
    url = f"{endpoint_url}/_ministack/ses/messages?account={ACCESS_KEY}"
    with urllib.request.urlopen(url, timeout=10) as answer:
        found = json.load(answer)
    return [_mail(entry) for entry in found["messages"].get(ACCESS_KEY, [])]


def _mail(entry: dict[str, Any]) -> Mail:
    recipients = (*entry["To"], *entry["CC"], *entry["BCC"])
    return Mail(entry["Source"], recipients, entry["Subject"], entry["BodyText"] or entry["BodyHtml"] or "")
