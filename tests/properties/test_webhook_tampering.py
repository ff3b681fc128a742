"""Whatever single bit of a signed delivery is changed on its way, it is refused, and always with the same words."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.unit.runtime.webhooks.posting import SECRET, WHSEC, Post, scheme, signed
from workflow.definition.webhooks.webhook import Webhook
from workflow.runtime.webhooks.receive import Answer

BODY = b'{"id": "evt_0001", "amount": 100, "note": "' + b"abcdefghij" * 18 + b'"}'
WEBHOOKS = [
    scheme("github"),
    scheme("timestamped"),
    scheme("standard-webhooks"),
    scheme("hmac", "x-signature", prefix="v1:"),
    scheme("hmac", "x-signature", encoding="base64"),
]
REFUSED = Answer(401, {"error": "the signature does not fit"}, "unsigned")


def _flipped(content: bytes) -> Iterator[bytes]:
    """The content with each of its bits changed in turn."""
    for place in range(len(content)):
        for bit in range(8):
            changed = bytearray(content)
            changed[place] ^= 1 << bit
            yield bytes(changed)


def _tampered(headers: dict[str, str], body: bytes) -> Iterator[tuple[dict[str, str], bytes]]:
    """The delivery with each bit changed in turn: of its body, its signature, its time and its signed id."""
    yield from ((headers, changed) for changed in _flipped(body))
    for name, value in headers.items():
        # Latin-1 makes of each byte a character of its own, as HTTP servers do.
        yield from (({**headers, name: changed.decode("latin-1")}, body) for changed in _flipped(value.encode()))


def _posted(webhook: Webhook) -> tuple[Post, dict[str, str]]:
    post = Post(webhook)
    secret = WHSEC if webhook.signature.scheme == "standard-webhooks" else SECRET
    post.secrets.stored = {"ssm:/own": secret}
    return post, signed(webhook, BODY, post.seconds, secret)


def _count(webhook: Webhook) -> int:
    return sum(1 for _ in _tampered(_posted(webhook)[1], BODY))


@pytest.mark.parametrize("webhook", WEBHOOKS, ids=lambda webhook: webhook.signature.scheme)
def test_every_single_bit_that_is_changed_gets_the_same_refusal_and_writes_nothing(webhook: Webhook) -> None:
    post, headers = _posted(webhook)

    answers = {str(post.own(body, changed)) for changed, body in _tampered(headers, BODY)}

    assert answers == {str(REFUSED)}
    assert post.store.writes == []
    # What was changed is the delivery, not the way it is checked: as it was sent it passes the check.
    assert post.own(BODY, headers).status == 404, "there is no order 42"


def test_more_than_ten_thousand_changes_are_tried() -> None:
    assert sum(map(_count, WEBHOOKS)) > 10_000
