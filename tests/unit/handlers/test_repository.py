"""A repository: each push by one of its users is one job, and only the newest of a branch is worth building."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.handlers.conftest import Shop
from workflow import Effect
from workflow.errors import GuardError, LeaseLostError, Refused, TransitionError

REPOSITORY = {
    "customer": "acme",
    "clone_url": "https://github.com/acme/shop.git",
    "users": {"eve": "eve@example.com", "bob": "bob@example.com"},
    "priorities": {"main": 5},
}
FIRST, SECOND, THIRD = ("1" * 40, "2" * 40, "3" * 40)


@pytest.fixture
def shop(shop: Shop) -> Shop:
    shop.flow.create("repository", "acme/shop", REPOSITORY)
    return shop


def push(shop: Shop, commit: str, branch: str = "main", *, sender: str = "eve", request_id: str = "") -> None:
    payload = {"ref": f"refs/heads/{branch}", "commit": commit, "sender": sender}
    shop.flow.fire("repository", "acme/shop", "push", payload, request_id=request_id)


def jobs(shop: Shop) -> dict[str, tuple[str, str | None]]:
    """Each job's commit, and why it was cancelled if it was."""
    found = (shop.flow.get("job", listed.id) for listed in shop.flow.list("job"))
    return {job.id: (job.data["commit"][0], job.data.get("reason")) for job in found}


def how_jobs_were_opened(shop: Shop) -> list[str]:
    return [entry.outcomes["open_job"].status for entry in shop.flow.effects("repository", "acme/shop")]


def test_a_push_opens_a_job_for_whoever_pushed(shop: Shop) -> None:
    push(shop, FIRST)
    shop.delivery.run()
    created = shop.flow.history("job", "acme/shop-2")[0]
    assert (created.changes, created.cause) == (
        {
            "repository": "acme/shop",
            "customer": "acme",
            "clone_url": "https://github.com/acme/shop.git",
            "branch": "main",
            "commit": FIRST,
            "priority": 5,
            "requested_by": "eve@example.com",
            "attempt": 1,
        },
        "repository#acme/shop#2#open_job",
    )


def test_a_branch_without_a_priority_has_none(shop: Shop) -> None:
    push(shop, FIRST, "feature/x")
    shop.delivery.run()
    data = shop.flow.get("job", "acme/shop-2").data
    assert (data["branch"], data["priority"]) == ("feature/x", 0)


def test_a_delivery_that_comes_again_is_one_push_and_one_job(shop: Shop) -> None:
    for _ in range(3):
        push(shop, FIRST, request_id="github:72d3162e")
        shop.delivery.run()
    assert jobs(shop) == {"acme/shop-2": ("1", None)}


@pytest.mark.parametrize("given", [{"branch": "x" * 1000}, {"commit": "1" * 65}])
def test_a_push_that_would_fill_the_repository_is_refused(shop: Shop, given: dict[str, str]) -> None:
    with pytest.raises(GuardError):
        push(shop, **{"commit": FIRST, **given})
    push(shop, "1" * 64, "x" * (1000 - len("refs/heads/")))


def test_a_stranger_has_nothing_built(shop: Shop) -> None:
    with pytest.raises(GuardError) as raised:
        push(shop, FIRST, sender="mallory")
    assert "eve" not in str(raised.value)
    shop.delivery.run()
    assert jobs(shop) == {}


def test_a_push_supersedes_the_one_before_to_the_same_branch_and_no_other(shop: Shop) -> None:
    push(shop, FIRST)
    push(shop, SECOND, "feature")
    push(shop, THIRD)
    shop.delivery.run()
    assert jobs(shop) == {
        "acme/shop-2": ("1", "superseded by acme/shop-4"),
        "acme/shop-3": ("2", None),
        "acme/shop-4": ("3", None),
    }


def test_what_has_ended_is_not_superseded(shop: Shop) -> None:
    push(shop, FIRST)
    shop.delivery.run()
    shop.flow.fire("job", "acme/shop-2", "pass", {"attempt": 1, "log_url": "https://x/1"})
    push(shop, SECOND)
    shop.delivery.run()
    assert how_jobs_were_opened(shop) == ["done", "done"]
    assert jobs(shop) == {"acme/shop-2": ("1", None), "acme/shop-3": ("2", None)}


def test_an_effect_that_runs_again_opens_no_second_job_and_cancels_no_job_that_a_person_took_up_again(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    push(shop, FIRST)
    shop.delivery.run()
    push(shop, SECOND)

    def lose(*_: Any) -> None:
        raise LeaseLostError("the commit was lost")

    with monkeypatch.context() as patch:
        patch.setattr(shop.flow.runtime.ledger, "commit", lose)
        assert shop.delivery.run().failed != []
    shop.flow.fire("job", "acme/shop-2", "retry")
    shop.clock.advance(120)
    assert shop.delivery.run().failed == []
    (_, again) = shop.flow.effects("repository", "acme/shop")
    assert again.outcomes["open_job"].attempts == 2
    assert [event.trigger for event in shop.flow.history("job", "acme/shop-3")][:1] == ["create"]
    triggers = [event.trigger for event in shop.flow.history("job", "acme/shop-2")]
    assert triggers.count("cancel") == 1


def test_a_push_that_a_person_let_go_without_a_job_has_nothing_to_be_superseded(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        raise Refused("no")

    push(shop, FIRST)
    with monkeypatch.context() as patch:
        patch.setattr(Effect, "create", refuse)
        shop.delivery.run()
    shop.flow.operations.skip("repository", "acme/shop", "not worth building")
    push(shop, SECOND)
    shop.delivery.run()
    shop.delivery.sweep()
    assert how_jobs_were_opened(shop) == ["skipped", "done"]
    assert jobs(shop) == {"acme/shop-3": ("2", None)}


def test_a_repository_remembers_fifty_pushes(shop: Shop) -> None:
    for number in range(60):
        push(shop, f"{number:040d}", f"branch-{number}")
    pushes = shop.flow.get("repository", "acme/shop").data["pushes"]
    assert (len(pushes), pushes[0]) == (50, {"ref": "refs/heads/branch-59", "version": 61})


def test_a_user_who_was_taken_off_has_nothing_built_any_more(shop: Shop) -> None:
    shop.flow.fire("repository", "acme/shop", "change", {"users": {"bob": "bob@example.com"}})
    with pytest.raises(GuardError):
        push(shop, FIRST)
    push(shop, FIRST, sender="bob")
    assert shop.flow.get("repository", "acme/shop").data["clone_url"] == REPOSITORY["clone_url"]


def test_a_repository_that_was_forgotten_takes_no_push(shop: Shop) -> None:
    shop.flow.fire("repository", "acme/shop", "forget")
    with pytest.raises(TransitionError):
        push(shop, FIRST)
