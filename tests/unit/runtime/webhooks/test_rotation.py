"""Secrets change: the old and the new one are both active, and a new value is known at once."""

from __future__ import annotations

import pytest

from tests.unit.runtime.webhooks.posting import SECRET, FakeSecrets, Post, scheme, signed, with_secrets
from workflow.errors import SecretAccessError
from workflow.runtime.webhooks.authenticate import AFRESH_SECONDS
from workflow.runtime.webhooks.receive import Answer, Receiver

BODY = b'{"id": "d-1", "amount": 100}'
OWN = with_secrets(scheme("github"), "ssm:/old", "ssm:/new")
UNSIGNED = Answer(401, {"error": "the signature does not fit"}, "unsigned")
UNCHECKED = Answer(503, {"error": "the signature cannot be checked at this moment; send it again"}, "unavailable")
THERE_IS_NO_42 = 404


@pytest.fixture
def post() -> Post:
    post = Post(OWN)
    post.secrets.stored = {"ssm:/old": b"old", "ssm:/new": b"new"}
    return post


def send(post: Post, secret: bytes) -> Answer:
    return post.own(BODY, signed(OWN, BODY, 0, secret))


@pytest.mark.parametrize("secret", [b"old", b"new"])
def test_the_old_and_the_new_secret_are_both_active(post: Post, secret: bytes) -> None:
    assert send(post, secret).status == THERE_IS_NO_42
    assert post.secrets.asked == []


def test_a_secret_that_was_changed_is_known_with_the_first_delivery_it_signed(post: Post) -> None:
    send(post, b"old")
    post.secrets.stored["ssm:/old"] = b"newest"

    assert send(post, b"newest").status == THERE_IS_NO_42
    assert send(post, b"old") == UNSIGNED
    assert post.secrets.asked == ["ssm:/old", "ssm:/new"]


def test_however_many_signatures_do_not_fit_secrets_are_read_afresh_once_in_a_while(post: Post) -> None:
    for _ in range(5):
        assert send(post, b"wrong") == UNSIGNED
    post.clock.advance(AFRESH_SECONDS - 0.001)
    assert send(post, b"wrong") == UNSIGNED
    assert post.secrets.asked == ["ssm:/old", "ssm:/new"]

    post.clock.advance(0.001)
    assert send(post, b"wrong") == UNSIGNED
    assert post.secrets.asked == ["ssm:/old", "ssm:/new"] * 2


def test_one_secret_that_cannot_be_read_does_not_stand_in_the_way_of_the_other(post: Post) -> None:
    post.secrets.stored["ssm:/old"] = SecretAccessError("there is no secret ssm:/old")

    assert send(post, b"new").status == THERE_IS_NO_42


def test_what_no_readable_secret_signed_is_to_be_sent_again(post: Post, caplog: pytest.LogCaptureFixture) -> None:
    post.secrets.stored["ssm:/old"] = SecretAccessError("there is no secret ssm:/old")

    assert send(post, b"old") == UNCHECKED
    assert "webhook own: there is no secret ssm:/old" in caplog.text
    post.secrets.stored["ssm:/old"] = b"old"
    assert send(post, b"old").status == THERE_IS_NO_42


def test_a_secret_that_was_kept_but_cannot_be_read_afresh_leaves_it_open_whether_it_fits(post: Post) -> None:
    send(post, b"new")
    post.secrets.stored["ssm:/new"] = SecretAccessError("nobody answers")

    assert send(post, b"newest") == UNCHECKED


def test_a_secret_that_was_read_at_the_second_try_and_does_not_fit_is_no_reason_to_send_again() -> None:
    class Shaky(FakeSecrets):
        def get(self, name: str, *, afresh: bool = False) -> bytes:
            if not afresh:
                raise SecretAccessError("nobody answers")
            return super().get(name, afresh=True)

    post = Post(OWN)
    shaky = Shaky({"ssm:/old": b"old", "ssm:/new": b"new"})
    post.receiver = Receiver(post.runtime, post.webhooks, shaky)

    assert send(post, b"wrong") == UNSIGNED
    post.clock.advance(AFRESH_SECONDS)
    assert send(post, b"old").status == THERE_IS_NO_42


def test_a_secret_that_can_never_fit_is_told_to_the_log_without_its_value(caplog: pytest.LogCaptureFixture) -> None:
    own = scheme("standard-webhooks")
    post = Post(own)
    post.secrets.stored = {"ssm:/own": b"hunter2 is no base64"}
    headers = signed(own, BODY, post.seconds, b"whsec_AAAA")

    assert post.own(BODY, headers) == UNSIGNED
    assert "webhook own: the secret ssm:/own is empty, or not one of the scheme standard-webhooks" in caplog.text
    assert "hunter2" not in caplog.text


def test_no_secret_is_ever_told(post: Post, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    post.secrets.stored = {"ssm:/old": SECRET}

    answers = [send(post, SECRET), send(post, b"wrong")]

    assert SECRET.decode() not in str(answers) + caplog.text + repr(post.receiver)
