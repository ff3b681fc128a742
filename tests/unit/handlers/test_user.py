"""Signing up, in memory: one user for an address, and a link that only the mail knows."""

from __future__ import annotations

import pytest

from handlers.user import sign_up, user_id
from tests.unit.handlers.conftest import Shop
from workflow.errors import GuardError, PayloadError


def test_who_signs_up_is_mailed_a_link_with_the_code_and_is_welcomed_once_it_came_back(shop: Shop) -> None:
    user = sign_up(shop.flow, "ada@example.com", "Ada")
    shop.delivery.run()
    code = str(shop.flow.get("user", user).data["code"])
    assert f"https://shop.example.com/confirm?user={user}&code={code}" in shop.text(0)
    shop.flow.fire("user", user, "confirm", {"code": code})
    shop.delivery.run()
    assert shop.subjects() == [
        ("ada@example.com", "Please confirm your address"),
        ("ada@example.com", "Welcome"),
    ]


@pytest.mark.parametrize("code", ["", "a guess", "ü"])
def test_another_code_confirms_nobody(shop: Shop, code: str) -> None:
    user = sign_up(shop.flow, "ada@example.com", "Ada")
    with pytest.raises(GuardError, match="code_fits"):
        shop.flow.fire("user", user, "confirm", {"code": code})
    assert shop.flow.get("user", user).version == 1


def test_the_same_address_is_one_user_whatever_its_case(shop: Shop) -> None:
    users = {sign_up(shop.flow, email, "Ada") for email in ("ada@example.com", "ADA@example.com ", "Ada@Example.com")}
    assert users == {user_id("ada@example.com")}
    assert [listed.id for listed in shop.flow.list("user")] == [user_id("ada@example.com")]


def test_two_users_have_two_codes(shop: Shop) -> None:
    users = [sign_up(shop.flow, email, "Ada") for email in ("ada@example.com", "bob@example.com")]
    assert len({shop.flow.get("user", user).data["code"] for user in users}) == 2


def test_what_is_no_name_is_told_to_who_signs_up(shop: Shop) -> None:
    with pytest.raises(PayloadError, match="name"):
        sign_up(shop.flow, "ada@example.com", None)  # type: ignore[arg-type]


def test_who_asks_again_is_mailed_the_same_link(shop: Shop) -> None:
    user = sign_up(shop.flow, "ada@example.com", "Ada")
    shop.flow.fire("user", user, "resend")
    shop.delivery.run()
    links = [next(line for line in shop.text(number).splitlines() if "confirm?" in line) for number in (0, 1)]
    assert links[0] == links[1]


def test_who_never_confirms_is_forgotten_after_a_week(shop: Shop) -> None:
    user = sign_up(shop.flow, "ada@example.com", "Ada")
    shop.clock.advance(7 * 24 * 3600 + 1)
    shop.delivery.sweep()
    assert shop.flow.get("user", user).state == "forgotten"


def test_who_was_forgotten_and_signs_up_again_is_mailed_a_new_link_that_confirms(shop: Shop) -> None:
    user = sign_up(shop.flow, "ada@example.com", "Ada")
    shop.delivery.run()
    old = shop.flow.get("user", user).data["code"]
    shop.flow.fire("user", user, "forget")
    assert sign_up(shop.flow, " ADA@example.com", "Ada L.") == user
    shop.delivery.run()
    new = shop.flow.get("user", user).data["code"]
    assert new != old
    assert f"code={new}" in shop.text(1)
    assert "Hello Ada L.," in shop.text(1)
    with pytest.raises(GuardError, match="code_fits"):
        shop.flow.fire("user", user, "confirm", {"code": old})
    shop.flow.fire("user", user, "confirm", {"code": new})
    assert shop.flow.get("user", user).state == "active"


def test_who_left_may_come_back(shop: Shop) -> None:
    user = signed_up_and_confirmed(shop)
    shop.flow.fire("user", user, "leave")
    sign_up(shop.flow, "ada@example.com", "Ada")
    assert shop.flow.get("user", user).state == "unconfirmed"


def test_who_has_an_account_or_waits_for_the_mail_is_neither_mailed_nor_changed_by_a_stranger(shop: Shop) -> None:
    waiting = sign_up(shop.flow, "bob@example.com", "Bob")
    users = [signed_up_and_confirmed(shop), waiting]
    shop.delivery.run()
    before, mails = [shop.flow.get("user", user) for user in users], shop.subjects()
    assert [sign_up(shop.flow, email, "Eve") for email in ("ada@example.com", "bob@example.com")] == users
    shop.delivery.run()
    assert ([shop.flow.get("user", user) for user in users], shop.subjects()) == (before, mails)


def signed_up_and_confirmed(shop: Shop) -> str:
    user = sign_up(shop.flow, "ada@example.com", "Ada")
    shop.flow.fire("user", user, "confirm", {"code": shop.flow.get("user", user).data["code"]})
    return user
