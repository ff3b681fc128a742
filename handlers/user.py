"""Signing up: what the API calls, and the mails that a user is owed."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from handlers.mail import send_mail
from workflow import Effect, guard, hook
from workflow.errors import CreateError, TransitionError

if TYPE_CHECKING:
    # What the API has at hand, and a hook never needs.
    from workflow import Workflow

CONFIRM_URL = "https://shop.example.com/confirm"


def sign_up(flow: Workflow, email: str, name: str) -> str:
    """What an API calls: it waits for the table alone, whatever the mail service does; the user's id.

    Who is new is mailed a link, and so is who was forgotten. Whoever else is there already gets the same answer, and
    no mail: who may call this is a stranger, and could have anybody mailed. Raises PayloadError.
    """
    user, given = user_id(email), {"name": name, "code": secrets.token_urlsafe(16)}
    with suppress(CreateError):
        flow.create("user", user, {"email": email, **given}, by="sign-up")
    # Of who is new too, so that the time of the answer does not tell who was there.
    with suppress(TransitionError):
        flow.fire("user", user, "sign_up_again", given, by="sign-up")
    return user


def user_id(email: str) -> str:
    """One id for one address, so that nobody signs up twice; ids stand in logs, addresses must not."""
    return hashlib.sha256(email.strip().lower().encode()).hexdigest()[:24]


@guard
def code_fits(context: dict[str, Any]) -> bool:
    """Whether the code is the one of the mail, compared in constant time."""
    return hmac.compare_digest(context["payload"]["code"].encode(), context["data"]["code"].encode())


@hook
def send_confirmation(effect: Effect) -> None:
    """Mails the link that confirms the address."""
    data = effect.entity.data
    link = f"{CONFIRM_URL}?{urlencode({'user': effect.id, 'code': data['code']})}"
    _write(effect, "Please confirm your address", f"One click, and you are in:\n\n{link}")


@hook
def send_welcome(effect: Effect) -> None:
    """Says hello to somebody whose address is confirmed."""
    _write(effect, "Welcome", "Your address is confirmed. Good to have you here.")


def _write(effect: Effect, subject: str, text: str) -> None:
    data = effect.entity.data
    send_mail(data["email"], subject, f"Hello {data['name']},\n\n{text}", key=effect.key)
