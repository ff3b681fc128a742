"""A payment provider that repeats itself: one event, one mail, the same answer every time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.acceptance.conftest import Deployed, an_order
from workflow import Accepted
from workflow.errors import RequestReuseError


def test_a_webhook_that_comes_again_and_again_makes_one_event_and_one_mail(deployed: Deployed) -> None:
    email = "ada@again.example.com"
    deployed.flow.create("order", "again", an_order(email))
    payload = {"amount": "59.90", "payment": "pi_1"}

    def pay(_: int) -> Accepted:
        return deployed.flow.fire("order", "again", "pay", payload, request_id="stripe:evt_9")

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(pay, range(8)))
    deployed.settle()
    answers.append(pay(8))

    assert sorted(answer.repeated for answer in answers) == [False, *[True] * 8]
    assert {(answer.event.id, answer.event.version, answer.entity.state) for answer in answers} == {
        (answers[0].event.id, 2, "paid")
    }
    assert [event.trigger for event in deployed.flow.history("order", "again")] == ["create", "pay"]
    assert deployed.subjects_to(email) == ["Your order again is paid"]


def test_a_request_id_that_was_used_for_something_else_is_refused(deployed: Deployed) -> None:
    deployed.flow.create("order", "reuse", an_order("ada@reuse.example.com"))
    deployed.flow.fire("order", "reuse", "pay", {"amount": "59.90", "payment": "pi_1"}, request_id="stripe:evt_9")
    with pytest.raises(RequestReuseError, match="'stripe:evt_9' was used for something else"):
        deployed.flow.fire("order", "reuse", "pay", {"amount": "60", "payment": "pi_1"}, request_id="stripe:evt_9")
