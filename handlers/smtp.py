"""Mails by SMTP, for whoever has a mail server of their own in place of Amazon SES."""

from __future__ import annotations

import hashlib
import smtplib
from email.message import EmailMessage
from email.utils import formatdate
from urllib.parse import urlsplit

from handlers.mail import MailRefusedError

TIMEOUT_SECONDS = 10
_PORTS = {"smtp": 25, "smtps": 465}


def send_by_smtp(url: str, sender: str, to: str, subject: str, body: str, *, headers: dict[str, str], key: str) -> None:
    """Hands one mail to the server at `url` (smtp://host:port, or smtps:// for TLS).

    Its Message-ID is made of `key`, so that a mail that was sent twice is one mail to whoever sorts by it. Raises
    MailRefusedError for a reply of 500 or more, and an OSError for what may pass: other replies, timeouts, lost
    connections. No error quotes an address.
    """
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = sender, to, subject
    mail["Date"], mail["Message-ID"] = formatdate(), message_id(key, sender)
    for name, value in headers.items():
        mail[name] = value
    mail.set_content(body)
    server, port, is_encrypted = _place(url)
    connect = smtplib.SMTP_SSL if is_encrypted else smtplib.SMTP
    try:
        with connect(server, port, timeout=TIMEOUT_SECONDS) as connection:
            # Named apart: an address that reads as two must not become two.
            connection.send_message(mail, sender, [to])
    except smtplib.SMTPRecipientsRefused as refusal:
        # As text it holds the address.
        codes = [code for code, _ in refusal.recipients.values()]
        raise _told(max(codes, default=0)) from None
    except smtplib.SMTPResponseException as refusal:
        raise _told(refusal.smtp_code) from None


def message_id(key: str, sender: str) -> str:
    """The Message-ID of the mail of that effect: the same at every repetition."""
    return f"<{hashlib.sha256(key.encode()).hexdigest()[:40]}@{sender.rpartition('@')[2]}>"


def _told(code: int) -> Exception:
    if code >= 500:
        return MailRefusedError(f"the mail server refused the mail with {code}")
    return ConnectionError(f"the mail server answered {code}, and may take the mail later")


def _place(url: str) -> tuple[str, int, bool]:
    parts = urlsplit(url)
    if parts.scheme not in _PORTS or not parts.hostname:
        raise LookupError(f"SMTP_URL is {url!r}; give smtp://host:port or smtps://host:port")
    return parts.hostname, parts.port or _PORTS[parts.scheme], parts.scheme == "smtps"
