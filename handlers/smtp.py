"""Mails by SMTP, for whoever has a mail server of their own in place of Amazon SES."""

from __future__ import annotations

import hashlib
import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from email.utils import formatdate
from urllib.parse import urlsplit

from handlers.mail import MailRefusedError

TIMEOUT_SECONDS = 10
_PORTS = {"smtp": 25, "smtps": 465}
_NO_ADDRESS = "the address cannot be mailed to"


def send_by_smtp(url: str, sender: str, to: str, subject: str, body: str, *, headers: dict[str, str], key: str) -> None:
    """Hands one mail to the server at `url` (smtp://host:port, or smtps:// for TLS).

    With smtp:// the mail is encrypted where the server offers STARTTLS; a certificate must be valid either way. Its
    Message-ID is made of `key`, so that a mail that was sent twice is one mail to whoever sorts by it. Raises
    MailRefusedError for a reply of 500 or more and for what is no address, LookupError for what is no server, and an
    OSError for what may pass: other replies, timeouts, lost connections, certificates. No error quotes an address.
    """
    mail = _mail(sender, to, subject, body, {**headers, "Message-ID": message_id(key, sender)})
    with _replies_told(), _connected(url) as connection:
        try:
            # Named apart: an address that reads as two must not become two.
            connection.send_message(mail, sender, [to])
        except (ValueError, smtplib.SMTPNotSupportedError):
            # Around no connecting: a certificate that does not fit is a ValueError too, and may pass.
            raise MailRefusedError(_NO_ADDRESS) from None


def message_id(key: str, sender: str) -> str:
    """The Message-ID of the mail of that effect: the same at every repetition."""
    return f"<{hashlib.sha256(key.encode()).hexdigest()[:40]}@{sender.rpartition('@')[2]}>"


def _mail(sender: str, to: str, subject: str, body: str, headers: dict[str, str]) -> EmailMessage:
    mail = EmailMessage()
    mail.set_content(body)
    try:
        for name, value in {"From": sender, "To": to, "Subject": subject, "Date": formatdate(), **headers}.items():
            mail[name] = value
    except (ValueError, IndexError, AttributeError):
        # A line that ends within; and what Python's parser of addresses breaks over, such as "<" and "ada@[".
        raise MailRefusedError(_NO_ADDRESS) from None
    if to.splitlines() != [to]:
        # Python lets one at the end pass, and the headers after it become text.
        raise MailRefusedError(_NO_ADDRESS)
    return mail


@contextmanager
def _connected(url: str) -> Iterator[smtplib.SMTP]:
    server, port, is_encrypted = _place(url)
    # Without a context smtplib would believe any certificate.
    context = ssl.create_default_context()
    if is_encrypted:
        with smtplib.SMTP_SSL(server, port, timeout=TIMEOUT_SECONDS, context=context) as connection:
            yield connection
        return
    with smtplib.SMTP(server, port, timeout=TIMEOUT_SECONDS) as connection:
        connection.ehlo_or_helo_if_needed()
        if connection.has_extn("starttls"):
            connection.starttls(context=context)
        yield connection


@contextmanager
def _replies_told() -> Iterator[None]:
    try:
        yield
    except smtplib.SMTPRecipientsRefused as refusal:
        # As text it holds the address.
        codes = [code for code, _ in refusal.recipients.values()]
        raise _told(max(codes, default=0)) from None
    except smtplib.SMTPResponseException as refusal:
        raise _told(refusal.smtp_code) from None


def _told(code: int) -> Exception:
    if code >= 500:
        return MailRefusedError(f"the mail server refused the mail with {code}")
    return ConnectionError(f"the mail server answered {code}, and may take the mail later")


def _place(url: str) -> tuple[str, int, bool]:
    try:
        parts = urlsplit(url)
        if parts.scheme in _PORTS and parts.hostname and "@" not in parts.netloc:
            return parts.hostname, parts.port or _PORTS[parts.scheme], parts.scheme == "smtps"
    except ValueError:
        # Brackets or a port that are none; as text it may hold a password.
        pass
    raise LookupError("SMTP_URL is no address of a server; give smtp://host:port or smtps://host:port, and no user")
