"""Sending by SMTP: what a mail carries, and which replies may pass; against a server that speaks real SMTP."""

from __future__ import annotations

import socket
import ssl
import traceback
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from demo.signup.mail_server import LOOPBACK, Letter, MailServer, mail_server
from handlers.mail import MailRefusedError, send_mail
from handlers.smtp import message_id

ADA = "ada@example.com"
KEY = "user#1#1#send_confirmation"


class Taken:
    """Of each mail that was taken, whether it came encrypted."""

    def __init__(self) -> None:
        self.encrypted: list[bool] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        self.encrypted.append(server.transport.get_extra_info("ssl_object") is not None)
        return "250 taken"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and a certificate of this machine, which nobody has signed."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(LOOPBACK))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    file = tmp_path_factory.mktemp("tls") / "mail.pem"
    file.write_bytes(key.private_bytes(pem, form, serialization.NoEncryption()) + made.public_bytes(pem))
    return file


@pytest.fixture
def tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


@pytest.fixture
def believed(monkeypatch: pytest.MonkeyPatch, certificate: Path) -> None:
    """Makes the certificate one that this machine trusts."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))


@pytest.fixture
def take_mails(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Taken]]:
    """Starts the server that mails are sent by, with what aiosmtpd can be told."""
    controllers = []

    def start(scheme: str, **settings: Any) -> Taken:
        taken, port = Taken(), free_port()
        controllers.append(Controller(taken, hostname=LOOPBACK, port=port, **settings))
        controllers[-1].start()
        monkeypatch.setenv("SMTP_URL", f"{scheme}://{LOOPBACK}:{port}")
        monkeypatch.setenv("MAIL_FROM", "shop@example.com")
        return taken

    yield start
    for controller in controllers:
        controller.stop()


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind((LOOPBACK, 0))
        return int(listening.getsockname()[1])


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


@pytest.mark.parametrize(
    "url",
    [
        *("mail.example.com:25", "http://mail.example.com", "smtp://", "smtp://[s3cret"),
        *("smtp://ada:s3cret@mail.example.com", "smtps://s3cret@mail.example.com:465", "smtp://ada:s3cret"),
    ],
)
def test_an_address_of_no_server_is_told_the_form_it_should_have_and_never_quoted(
    monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("SMTP_URL", url)
    monkeypatch.setenv("MAIL_FROM", "shop@example.com")
    with pytest.raises(LookupError) as caught:
        send_mail(ADA, "Hello", "Text", key=KEY)
    expected = "SMTP_URL is no address of a server; give smtp://host:port or smtps://host:port, and no user"
    assert str(caught.value) == expected
    assert "s3cret" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("to", [f"{ADA}\r\nBcc: eve@example.com", f"{ADA}\n", "<", "ada@["])
def test_what_cannot_be_an_address_is_a_refusal_that_does_not_quote_it(server: MailServer, to: str) -> None:
    with pytest.raises(MailRefusedError, match=r"^the address cannot be mailed to$"):
        send_mail(to, "Hello", "Text", key=KEY)
    assert server.letters == []


def test_an_address_that_the_server_cannot_write_is_a_refusal(take_mails: Callable[..., Taken]) -> None:
    taken = take_mails("smtp", enable_SMTPUTF8=False)
    with pytest.raises(MailRefusedError, match=r"^the address cannot be mailed to$"):
        send_mail("grüße@example.com", "Hello", "Text", key=KEY)
    assert taken.encrypted == []


def test_a_mail_is_encrypted_where_the_server_offers_it(
    take_mails: Callable[..., Taken], tls: ssl.SSLContext, believed: None
) -> None:
    taken = take_mails("smtp", tls_context=tls)
    send_mail(ADA, "Hello", "Text", key=KEY)
    assert taken.encrypted == [True]


def test_a_mail_goes_to_a_server_that_speaks_only_tls(
    take_mails: Callable[..., Taken], tls: ssl.SSLContext, believed: None
) -> None:
    taken = take_mails("smtps", ssl_context=tls)
    send_mail(ADA, "Hello", "Text", key=KEY)
    assert taken.encrypted == [True]


@pytest.mark.parametrize(("scheme", "setting"), [("smtp", "tls_context"), ("smtps", "ssl_context")])
def test_a_server_that_nobody_vouches_for_is_sent_nothing_and_may_be_put_right(
    take_mails: Callable[..., Taken], tls: ssl.SSLContext, scheme: str, setting: str
) -> None:
    taken = take_mails(scheme, **{setting: tls})
    with pytest.raises(ssl.SSLCertVerificationError):
        send_mail(ADA, "Hello", "Text", key=KEY)
    assert taken.encrypted == []
