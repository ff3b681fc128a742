"""Which signatures fit: the vectors that others publish, the edges of time, and what strangers write into headers."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.unit.runtime.webhooks.posting import SECRET, WHSEC, based, hexed, scheme, signed
from workflow.definition.webhooks.webhook import Signature
from workflow.runtime.webhooks.signatures import LONGEST_HEADER, fits

AT = 1_614_265_330
NOW = datetime.fromtimestamp(AT, UTC)
BODY = b'{"test": 2432232314}'

TIMED = scheme("timestamped")
STANDARD = scheme("standard-webhooks")
HMAC = scheme("hmac", "x-signature", prefix="sha256:")
BASE64 = scheme("hmac", "x-signature", encoding="base64")
ALL = [scheme("github"), TIMED, STANDARD, HMAC, BASE64]


def secret_of(signature: Signature) -> bytes:
    return WHSEC if signature.scheme == "standard-webhooks" else SECRET


def check(webhook: Any, headers: dict[str, str], body: bytes = BODY, now: datetime = NOW, *secrets: bytes) -> bool:
    return fits(webhook.signature, secrets or [secret_of(webhook.signature)], headers, body, now)


def test_the_vector_of_githubs_documentation_is_accepted() -> None:
    # https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries#testing-the-webhook-payload-validation
    headers = {"x-hub-signature-256": "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"}

    assert fits(scheme("github").signature, [b"It's a Secret to Everybody"], headers, b"Hello, World!", NOW)


def test_the_vector_of_the_standard_webhooks_libraries_is_accepted() -> None:
    headers = {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }

    assert check(STANDARD, headers)


def test_a_text_signed_as_stripe_does_is_accepted() -> None:
    # Made with: printf '1614265330.{"test": 2432232314}' | openssl dgst -sha256 -hmac "It's a Secret to Everybody"
    made = "535d8497d859c07ff9680d86abba5699ebc7378ff8fa0443f98861d0826821f7"

    assert check(TIMED, {"stripe-signature": f"t={AT},v1={made}"})


@pytest.mark.parametrize("webhook", ALL, ids=lambda webhook: webhook.signature.scheme)
def test_what_a_sender_of_the_scheme_signs_is_accepted_and_nothing_near_it(webhook: Any) -> None:
    secret = secret_of(webhook.signature)
    headers = signed(webhook, BODY, AT, secret)
    header = webhook.signature.header

    assert check(webhook, headers)
    assert not check(webhook, headers, BODY + b" ")
    assert not check(webhook, headers, BODY, NOW, WHSEC[:-4] + b"AAAA")
    assert not check(webhook, {**headers, header: headers[header].upper()})
    assert not check(webhook, {**headers, header: headers[header] + "A"})
    assert not check(webhook, {name: value for name, value in headers.items() if name != header})


@pytest.mark.parametrize("webhook", ALL, ids=lambda webhook: webhook.signature.scheme)
def test_any_of_several_secrets_may_have_signed(webhook: Any) -> None:
    secret = secret_of(webhook.signature)
    headers = signed(webhook, BODY, AT, secret)

    assert check(webhook, headers, BODY, NOW, b"", b"\xff", secret)
    assert check(webhook, headers, BODY, NOW, secret, b"whsec_AAAA", b"old")
    assert not fits(webhook.signature, [], headers, BODY, NOW)


@pytest.mark.parametrize("webhook", ALL, ids=lambda webhook: webhook.signature.scheme)
def test_nobody_signs_with_an_empty_secret(webhook: Any) -> None:
    headers = signed(webhook, BODY, AT, b"")

    assert not check(webhook, headers, BODY, NOW, b"")
    assert not check(webhook, headers, BODY, NOW, b"whsec_")


@pytest.mark.parametrize("webhook", [TIMED, STANDARD], ids=lambda webhook: webhook.signature.scheme)
@pytest.mark.parametrize(("off", "accepted"), [(-301, False), (-300, True), (0, True), (300, True), (301, False)])
def test_the_window_is_as_wide_before_as_after(webhook: Any, off: int, accepted: bool) -> None:
    headers = signed(webhook, BODY, AT + off, secret_of(webhook.signature))

    assert check(webhook, headers) is accepted


def test_one_of_several_signatures_is_enough_and_other_versions_do_not_count() -> None:
    stripe = hexed(SECRET, f"{AT}.".encode() + BODY)
    standard = signed(STANDARD, BODY, AT, WHSEC)
    right = standard["webhook-signature"]

    assert check(TIMED, {"stripe-signature": f"t={AT},v1=aa,v0=bb,v1={stripe}"})
    assert not check(TIMED, {"stripe-signature": f"t={AT},v0={stripe},v1=aa"})
    assert check(STANDARD, {**standard, "webhook-signature": f"v1,aa v1a,bb {right}"})
    assert not check(STANDARD, {**standard, "webhook-signature": right.replace("v1,", "v1a,")})


@pytest.mark.parametrize(
    "written", ["", "-1", "+1614265330", " 1614265330", "1614265330.0", "1e9", "１６１４２６５３３０", "9" * 16, "nan"]
)
def test_a_time_that_is_not_written_in_plain_digits_is_refused(written: str) -> None:
    content = f"{written}.".encode() + BODY
    stripe = {"stripe-signature": f"t={written},v1={hexed(SECRET, content)}"}
    standard = {**signed(STANDARD, BODY, AT, WHSEC), "webhook-timestamp": written}

    assert not check(TIMED, stripe)
    assert not check(STANDARD, standard)


def test_a_time_given_twice_is_refused() -> None:
    right = hexed(SECRET, f"{AT}.".encode() + BODY)

    assert not check(TIMED, {"stripe-signature": f"t={AT},t={AT},v1={right}"})


def test_a_dot_in_the_id_cannot_move_the_border_of_what_was_signed() -> None:
    body = f"{AT}.".encode() + BODY
    key = scheme("standard-webhooks")
    honest = signed(key, body, AT, WHSEC)
    moved = {**honest, "webhook-id": f"msg_1.{AT}"}

    assert check(STANDARD, honest, body)
    assert not check(STANDARD, moved)


HOSTILE = [
    "",
    "=",
    ",",
    "sha256=",
    "t=,v1=",
    "v1,",
    "é" * 64,
    "\ud800",
    "\x00" * 64,
    "v1=" + "a" * 100_000,
    ",".join(["t=1614265330"] * 500),
    f"t={AT}," + ",".join(["v1=" + "0" * 64] * 100),
    " ".join(["v1,AAAA"] * 1000),
]


@pytest.mark.parametrize("webhook", ALL, ids=lambda webhook: webhook.signature.scheme)
@pytest.mark.parametrize("value", HOSTILE)
def test_whatever_a_header_holds_nothing_is_raised(webhook: Any, value: str) -> None:
    headers = signed(webhook, BODY, AT, secret_of(webhook.signature))
    for name in headers:
        assert not check(webhook, {**headers, name: value})


def test_a_header_beyond_measure_is_not_looked_at() -> None:
    right = hexed(SECRET, f"{AT}.".encode() + BODY)
    padding = "v0=" + "a" * LONGEST_HEADER

    assert not check(TIMED, {"stripe-signature": f"t={AT},v1={right},{padding}"})


def test_a_scheme_that_nobody_knows_fits_nothing() -> None:
    unknown = Signature("other", (), "x-signature")

    assert not fits(unknown, [SECRET], {"x-signature": hexed(SECRET, BODY)}, BODY, NOW)


def test_base64_without_its_padding_is_not_the_same_signature() -> None:
    made = based(SECRET, BODY)

    assert check(BASE64, {"x-signature": made})
    assert not check(BASE64, {"x-signature": made.rstrip("=")})
