"""A mail server on this machine that speaks real SMTP, and fails when it is told to."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any, NamedTuple

from aiosmtpd.controller import Controller

LOOPBACK = "127.0.0.1"


class Letter(NamedTuple):
    """One mail that was taken: to whom, and what of it a mail program shows or sorts by."""

    recipient: str
    subject: str
    message_id: str
    text: str


@dataclass
class MailServer:
    """Takes mails until told otherwise: `slow_seconds` before each answer; the next ones turned away (`later`), refused
    for good (`refusals`), or taken without an answer (`cuts`), so that nobody knows."""

    slow_seconds: float = 0.0
    later: int = 0
    refusals: int = 0
    cuts: int = 0
    letters: list[Letter] = field(default_factory=list)
    port: int = 0
    _controller: Controller | None = field(default=None, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @property
    def url(self) -> str:
        """Where it takes mails."""
        return f"smtp://{LOOPBACK}:{self.port}"

    def start(self) -> None:
        """Listens; at the same port as before."""
        self.port = self.port or _free_port()
        self._controller = Controller(self, hostname=LOOPBACK, port=self.port)
        self._controller.start()

    def stop(self) -> None:
        """Stops listening: whoever connects is refused."""
        if self._controller is not None:
            self._controller.stop()
            self._controller = None

    def to(self, recipient: str) -> list[Letter]:
        """What one address was sent, in order."""
        return [letter for letter in self.letters if letter.recipient == recipient]

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        """What aiosmtpd calls for each mail; the reply."""
        await asyncio.sleep(self.slow_seconds)
        with self._lock:
            fault = next((name for name in ("later", "refusals", "cuts") if getattr(self, name)), "")
            if fault:
                setattr(self, fault, getattr(self, fault) - 1)
        if fault == "later":
            return "451 come again later"
        if fault == "refusals":
            return "554 no, and never"
        self.letters += [_letter(recipient, envelope.content) for recipient in envelope.rcpt_tos]
        if fault == "cuts":
            server.transport.abort()
        return "250 taken"


def _letter(recipient: str, content: bytes) -> Letter:
    mail = message_from_bytes(content, policy=policy.default)
    assert isinstance(mail, EmailMessage)
    return Letter(recipient, str(mail["Subject"]), str(mail["Message-ID"]), mail.get_content())


def _free_port() -> int:
    with socket.socket() as listening:
        listening.bind((LOOPBACK, 0))
        return int(listening.getsockname()[1])


@contextmanager
def mail_server() -> Iterator[MailServer]:
    """A server that listens as long as the block lasts."""
    server = MailServer()
    server.start()
    try:
        yield server
    finally:
        server.stop()
